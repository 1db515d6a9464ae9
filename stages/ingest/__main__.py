"""Any data set -> manifest, class list, splits, audit: `python -m stages.ingest home data/home/clips`.

Reads the clips from a folder (or, for a replay, their names from a file), decodes each once, cuts recordings into
windows where `windows` says so, splits them by each protocol and audits every split. A leak that params do not accept
stops the stage after the audit is written. A licensed source that a push would send stops it at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.base.errors import guard
from stages.base.licence import check_source, tell_unchecked
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import write_json, write_pieces, write_table
from stages.ingest.adapters import load
from stages.ingest.params import PARAMS, IngestParams
from stages.ingest.reading import classes_of, read_clips
from stages.ingest.split import gate, split
from stages.labels.classes import write_classes


def main() -> None:
    """Ingest one data set."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("dataset", help="a file of params/datasets")
    arguments.add_argument("clips", type=Path, help="folder of the clips, or a file of clip names")
    cell = arguments.parse_args()
    dataset: str = cell.dataset
    params: IngestParams = read(PARAMS, dataset=dataset)["ingest.{dataset}"]
    run = Run(dataset)
    adapter = load(params.adapter)
    if params.licensed:
        for folder in filter(None, (cell.clips, params.videos)):
            check_source(dataset, Path(folder))
        tell_unchecked(dataset)
    clips = read_clips(cell.clips, params, adapter, run.manifest)
    splits = split(clips.rows, clips.others, params, adapter, clips.findings, clips.listed)

    audit = run.metrics / "audit.json"
    write_json(audit, [item._asdict() for item in splits.findings])
    gate(splits.findings, dataset, audit)
    write_table(run.manifest, (row.written() for row in clips.rows), MANIFEST)
    write_classes(run, classes_of(clips, params.labels))
    write_pieces(run.splits, splits.tables(), SPLITS)
    failed = [row.clip_id for row in clips.rows if row.error is not None]
    done = f"{len(clips.rows)} clips, {len(splits.parts)} protocols, {len(splits.findings)} findings in {audit}"
    closing(f"ingest {dataset}", done, clips.known, failed)


if __name__ == "__main__":
    guard(main)
