"""Score one method: verdicts by threshold, then aggregates with intervals for each protocol's test part.

    python -m stages.score home closed

Reads manifest, splits and the method's measures; writes data/<run>/scores/<method>.parquet (table SCORES),
data/<run>/verdicts/<method>.parquet (table VERDICTS) and metrics/<run>/<method>.json. Computes nothing that is dear.
"""

from __future__ import annotations

import os
import sys

import polars as pl

from stages.base.errors import InputError, guard
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.schema import MANIFEST, MEASURES, SCORES, SPLITS, VERDICTS
from stages.base.tables import read_table, write_json, write_table
from stages.labels.classes import read_classes
from stages.score.params import PARAMS
from stages.score.scoring import Method, scored
from stages.score.tables import headline
from stages.stats.clips import check_known, clips_to_score


def main() -> None:
    """Score the method that the command line names."""
    if len(sys.argv) != 3:
        raise InputError("expected a data set and a method", do="python -m stages.score <dataset> <method>")
    dataset, method = sys.argv[1:]
    run, params = Run(dataset), read(PARAMS, dataset=dataset)
    wanted = params["scored.{dataset}"]
    file = run.measures(method) / "measures.parquet"
    measures = read_table(file, MEASURES)
    if set(measures["method"].unique()) - {method}:
        raise InputError(f"holds rows of other methods than {method}", file=file, do="run `dvc repro`")
    manifest = read_table(run.manifest, MANIFEST)
    check_known(measures, manifest, file)
    splits = read_table(run.splits, SPLITS)
    where = os.environ.get("DVC_STAGE", "params.yaml")
    clips = clips_to_score(manifest, splits, run)
    of = Method(method, measures, file, manifest, splits, clips, read_classes(run).names)
    rows, verdicts = scored(of, params["score"], wanted, where)
    write_table(run.scores(method), rows, SCORES)
    write_table(run.verdicts(method), pl.concat(verdicts) if verdicts else [], VERDICTS)
    numbers, absent = headline(rows, wanted.headline)
    write_json(run.metrics / f"{method}.json", numbers)
    did = f"{method} on {dataset}: {len(rows)} aggregates of {len(clips.protocols)} protocols"
    closing("score", did + (f"; no headline {', '.join(absent)}" if absent else ""))


if __name__ == "__main__":
    guard(main)
