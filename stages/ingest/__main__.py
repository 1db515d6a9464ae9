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
from stages.base.params import compute, read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import write_json, write_table
from stages.ingest.adapters import load
from stages.ingest.params import PARAMS, IngestParams
from stages.ingest.probing import probe_rows
from stages.ingest.rows import rows_of
from stages.ingest.sources import read_source
from stages.ingest.split import gate, split
from stages.ingest.windows import clips_of
from stages.labels.classes import class_list, write_classes


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
        check_source(dataset, cell.clips)
        tell_unchecked(dataset)
    source = read_source(cell.clips)
    probed = probe_rows(
        rows_of(source.entries, adapter), compute().processes, run.manifest, params.windows, most=params.pixels
    )
    clips = clips_of(probed.rows, probed.counts, params, adapter, cell.clips)
    others = [name for name in source.others if params.windows is None or name != params.windows.annotations]
    splits = split(clips.rows, others, params, adapter, clips.findings)

    audit = run.metrics / "audit.json"
    write_json(audit, [item._asdict() for item in splits.findings])
    gate(splits.findings, dataset, audit)
    write_table(run.manifest, (row._asdict() for row in clips.rows), MANIFEST)
    classes = class_list((row.labels for row in clips.rows if row.error is None), params.labels)
    write_classes(run, classes)
    write_table(run.splits, splits.table(), SPLITS)
    failed = [row.clip_id for row in clips.rows if row.error is not None]
    done = f"{len(clips.rows)} clips, {len(splits.parts)} protocols, {len(splits.findings)} findings in {audit}"
    closing(f"ingest {dataset}", done, probed.known, failed)


if __name__ == "__main__":
    guard(main)
