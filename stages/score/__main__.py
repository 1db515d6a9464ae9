"""Score a data set's methods and compare them: `python -m stages.score home metrics/home/seeds`.

Verdicts by threshold, aggregates with intervals for each protocol's test part, then all methods side by side. Reads
manifest, splits and measures, and what other seeds gave from the folder that the data set's record names; writes of
each method data/<run>/scores/<method>.parquet (table SCORES), data/<run>/verdicts/<method>.parquet (table VERDICTS) and
metrics/<run>/headlines/<method>.json, and the tables of `stages.compare`. Computes nothing that is expensive.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import Run, given
from stages.base.progress import closing
from stages.compare.make import compare
from stages.methods.records import read_methods
from stages.score.make import Scorer
from stages.score.params import PARAMS
from stages.stats.intervals import Level


def main() -> None:
    """Score the methods of the data set that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets")
    parser.add_argument("seeds", help="folder of what `make seeds` wrote; data/none where there is none")
    cell = parser.parse_args()
    run = Run(cell.dataset)
    params, comparison = read(PARAMS, dataset=run.name).values()
    scorer, methods = Scorer(run, params), read_methods(run)
    for method in methods:
        print(scorer.score(method))
    protocols = len(scorer.clips.protocols)
    del scorer  # whose tables the comparison reads in its own way
    level = Level(params.confidence, params.assumed_icc)
    did = compare(run, methods, given(cell.seeds), comparison, level)
    closing(f"score {run.name}", f"{len(methods)} methods on {protocols} protocols, {did}")


if __name__ == "__main__":
    guard(main)
