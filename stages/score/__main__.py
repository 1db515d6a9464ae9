"""Score a data set's methods: verdicts by threshold, then aggregates with intervals for each protocol's test part.

    python -m stages.score home

Reads manifest, splits and measures; writes of each method data/<run>/scores/<method>.parquet (table SCORES),
data/<run>/verdicts/<method>.parquet (table VERDICTS) and metrics/<run>/headlines/<method>.json. Computes nothing that
is expensive.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.methods.records import read_methods
from stages.score.make import Scorer
from stages.score.params import PARAMS, ScoreParams


def main() -> None:
    """Score the methods of the data set that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets")
    run = Run(parser.parse_args().dataset)
    params: ScoreParams = read(PARAMS, dataset=run.name)["score.{dataset}"]
    scorer, methods = Scorer(run, params), read_methods(run)
    for method in methods:
        print(scorer.score(method))
    closing(f"score {run.name}", f"{len(methods)} methods on {len(scorer.clips.protocols)} protocols")


if __name__ == "__main__":
    guard(main)
