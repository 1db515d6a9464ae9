"""Any data set -> manifest, splits and their audit: `python -m stages.ingest home`.

Reads the clips (or, for a replay, their names) of `ingest.<dataset>.source`, decodes each once, cuts recordings into
windows where `windows` says so, splits them by each protocol and audits every split. A leak that params do not accept
stops the stage after the audit is written. A licensed source that a push would send stops it at once.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.base.errors import guard
from stages.base.licence import check_source
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import write_json, write_table
from stages.ingest.adapters import load
from stages.ingest.params import PARAMS, IngestParams
from stages.ingest.reading import read_clips
from stages.ingest.split import gate, split


def main() -> None:
    """Ingest one data set."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("dataset", help="a block under `ingest` in params.yaml")
    dataset: str = arguments.parse_args().dataset
    params: IngestParams = read(PARAMS, dataset=dataset)["ingest.{dataset}"]
    run = Run(dataset)
    adapter = load(params.adapter)
    if params.licensed:
        for folder in filter(None, (params.source, params.videos)):
            check_source(dataset, Path(folder))
    clips = read_clips(params, adapter, run.manifest)
    splits = split(clips.rows, clips.others, params, adapter, clips.findings, clips.listed)

    audit = run.metrics / "audit.json"
    write_json(audit, [item._asdict() for item in splits.findings])
    gate(splits.findings, dataset, audit)
    write_table(run.manifest, (row.written() for row in clips.rows), MANIFEST)
    write_table(run.splits, splits.table(), SPLITS)
    failed = [row.clip_id for row in clips.rows if row.error is not None]
    done = f"{len(clips.rows)} clips, {len(splits.parts)} protocols, {len(splits.findings)} findings in {audit}"
    closing(f"ingest {dataset}", done, clips.known, failed)


if __name__ == "__main__":
    guard(main)
