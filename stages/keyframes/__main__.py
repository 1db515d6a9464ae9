"""Clips -> keyframes, as shards of table KEYFRAMES: `python -m stages.keyframes home`.

Takes the usable clips of the manifest, chooses frames as `keyframes.<dataset>` says, clips side by side on all cores,
and journals each. A clip that ingest could decode and that cannot be decoded now stops the stage after all others.
"""

from __future__ import annotations

import argparse

from stages.base.errors import GateError, InputError, guard
from stages.base.journal.store import Journal
from stages.base.params import compute, read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.schema import MANIFEST
from stages.base.tables import read_table
from stages.keyframes.extract import KIND, key
from stages.keyframes.params import PARAMS, KeyframesParams, check_licence
from stages.keyframes.run import compute_all
from stages.keyframes.shards import refill, write_shards


def main() -> None:
    """Extract one data set's keyframes."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("dataset", help="a file of params/datasets")
    arguments.add_argument("--kept", action="store_true", help="`dvc push` does not send this stage's output")
    given = arguments.parse_args()
    dataset, values = str(given.dataset), read(PARAMS, dataset=given.dataset)
    params: KeyframesParams = values["keyframes.{dataset}"]
    run = Run(dataset)
    manifest = read_table(run.manifest, MANIFEST)
    usable = manifest.filter(manifest["error"].is_null() & manifest["path"].is_not_null())
    # Of clips that are names only there is no image to keep here, and `dvc pull` shall find what the others read.
    check_licence(dataset, values["ingest.{dataset}.licensed"], given.kept or usable.is_empty())
    if usable.is_empty() and manifest["path"].is_not_null().any():  # else its clips are names only: it has no keyframes
        what = f"none of its {len(manifest)} clips is usable"
        raise InputError(what, file=run.manifest, do="its column `error` says why; correct `clips` in its record")
    keys = {clip_id: key(md5, params) for clip_id, md5 in usable.select("clip_id", "md5").iter_rows()}
    paths = {keys[clip_id]: path for clip_id, path in usable.select("clip_id", "path").iter_rows()}
    with Journal("keyframes", KIND) as journal:
        refill(journal, run.keyframes, set(paths))
        known = sum(sample in journal for sample in keys.values())
        failures = compute_all(journal, paths, params, compute().processes)
        if failures:
            listed = "\n".join(f"  {text}" for text in failures)
            raise GateError(
                f"{len(failures)} clips that the manifest calls usable fail now:\n{listed}\n"
                "  what to do: run ingest again; the other clips' keyframes are in the journal"
            )
        frames = write_shards(run.keyframes, keys, journal)
    left_out = sorted(manifest.filter(manifest["error"].is_not_null())["clip_id"])
    closing(f"keyframes {dataset}", f"{frames} keyframes of {len(keys)} clips in {run.keyframes}", known, left_out)


if __name__ == "__main__":
    guard(main)
