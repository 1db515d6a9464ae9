"""Clips -> people and who of them interact, tables STREAMS and STREAMED: `python -m stages.streams home found opencv`.

Takes the usable clips of the manifest, finds and follows people as params/models/<model>.yaml says, clips side by side
on all cores, and journals each. A clip that cannot be looked at is a row with its error.
"""

from __future__ import annotations

import argparse

import polars as pl

from stages.base.errors import GateError, guard, some
from stages.base.journal.store import Journal
from stages.base.params import compute, read
from stages.base.paths import Run, given
from stages.base.progress import closing
from stages.base.schema import MANIFEST
from stages.base.tables import read_table
from stages.streams.cameras import KIND as PLATE
from stages.streams.cameras import ROOM, Camera, Cameras, Filmed
from stages.streams.finder import Clip
from stages.streams.params import PARAMS, OpenCVParams
from stages.streams.run import KIND, Method, compute_all, key
from stages.streams.tables import refill, write


def main() -> None:
    """Find the people of one data set by one method."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("dataset", help="a file of params/datasets")
    arguments.add_argument("method", help="how this cell is called")
    arguments.add_argument("model", help="a file of params/models")
    arguments.add_argument("truth", help="what rendered clips show, or data/none")
    words = arguments.parse_args()
    params = read(PARAMS, dataset=words.dataset, method=words.method, model=words.model)["vlm.{model}"]
    run, method = Run(words.dataset), Method(params, given(words.truth), compute().device)
    manifest = read_table(run.manifest, MANIFEST)
    usable = manifest.filter(pl.col("error").is_null() & pl.col("path").is_not_null())
    filmed: list[Filmed] = []
    for *row, camera, md5 in usable.select(*Clip._fields, "camera", "md5").iter_rows():
        clip = Clip(*row)
        filmed.append(Filmed(clip, Camera(camera, clip.width, clip.height), md5))
    with Journal("streams", KIND) as journal, Journal(ROOM, PLATE) as plates:
        pooled = isinstance(params, OpenCVParams) and params.clips > 0
        cameras = Cameras(plates, params, filmed) if pooled else None
        keys: dict[str, str] = {}
        clips: dict[str, Filmed] = {}
        for one in filmed:
            sample = key(method, one.clip, one.md5, cameras.shapes.get(one.camera) if cameras else None)
            keys[one.clip.clip_id] = sample
            clips.setdefault(sample, one)
        refill(journal, run.streams(words.method), set(clips))
        known = sum(sample in journal for sample in keys.values())
        failures = compute_all(journal, clips, method, cameras)
        if failures and len(failures) == len(clips):
            listed = some(sorted(failures.values()))
            raise GateError(f"none of {len(clips)} clips could be looked at:\n{listed}\n  what to do: mend the cause")
        broken = manifest.filter(~pl.col("clip_id").is_in(list(keys))).select("clip_id", "error").iter_rows()
        errors = {clip: error or "it is a name without a video" for clip, error in broken}
        errors |= {clip: failures[sample] for clip, sample in keys.items() if sample in failures}
        found = {clip: sample for clip, sample in keys.items() if clip not in errors}
        count = write(run.streams(words.method), found, errors, journal)
    closing(f"streams {words.dataset} {words.method}", f"{count} rows of {len(found)} clips", known, sorted(errors))


if __name__ == "__main__":
    guard(main)
