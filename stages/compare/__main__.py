"""Compare a run's methods: one table of all numbers, paired differences, null models that win, validity of metrics.

    python -m stages.compare home metrics/home/seeds

Reads what was measured and scored; writes to metrics/<run>/ summary.csv, differences.csv,
null_beats.csv, repeats.csv and left_out.csv, and to data/<run>/ per_class.csv, confusion.csv, confusion_headline.csv,
sweep.csv and validity.csv. What other seeds gave is read from the folder that the data set's record names, where there
is one.
"""

from __future__ import annotations

import argparse

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import NULLS, Run, given
from stages.base.progress import closing
from stages.compare import auc, confusion, inputs, left_out, paired, runs, seeds, summary, sweep
from stages.compare.params import PARAMS
from stages.compare.seeded import Seeded, with_seeds
from stages.compare.write import write_csv
from stages.methods.records import read_methods
from stages.stats.intervals import Level


def main() -> None:
    """Compare the methods of the run that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets")
    parser.add_argument("seeds", help="folder of what `make seeds` wrote; data/none where there is none")
    cell = parser.parse_args()
    run, of_seeds = Run(cell.dataset), given(cell.seeds)
    compare, *levels = read(PARAMS, dataset=run.name).values()
    methods = read_methods(run)
    names, learnt = sorted(one.name for one in methods), [one.name for one in methods if one.kind == "learnt"]
    found = inputs.load(run, names)
    trainings = seeds.read(of_seeds, names, learnt)
    level = Level(*levels)
    seeded = Seeded(found, trainings, runs.read(of_seeds))
    table = with_seeds(summary.summary(found.scores), seeded, level)
    named = {metric for _, metric, _ in confusion.named_scores(found)} | found.of_sets
    beaten = summary.null_beats(table, NULLS)
    omitted = left_out.left_out(found)

    write_csv(run.metrics / "summary.csv", table)
    write_csv(run.metrics / "differences.csv", paired.differences(found, level.confidence, seeded))
    write_csv(run.metrics / "null_beats.csv", beaten)
    write_csv(run.metrics / "repeats.csv", summary.repeats(found.scores, found.verdicts))
    write_csv(run.metrics / "left_out.csv", omitted)
    write_csv(run.data / "per_class.csv", summary.per_class(found.scores))
    write_csv(run.data / "confusion.csv", confusion.confusion(found))
    write_csv(run.data / "confusion_headline.csv", confusion.headline(found, compare.confusion))
    write_csv(run.data / "sweep.csv", sweep.sweep(found, compare.sweep.metrics, compare.sweep.steps))
    write_csv(run.data / "validity.csv", auc.validity(found, compare.shuffled, named))

    did = f"{len(names)} methods of {run.name}, {len(table)} rows; a null model wins {len(beaten)} times"
    alone = trainings.stale_methods(found.scores)
    did += f"; no seeds of the shipped training of {', '.join(alone)}: run `make seeds`" if alone else ""
    closing("compare", did)


if __name__ == "__main__":
    guard(main)
