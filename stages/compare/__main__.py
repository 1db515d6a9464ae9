"""Compare a run's methods: one table of all numbers, paired differences, null models that win, validity of metrics.

    python -m stages.compare home

Reads what the score cells of the listed methods wrote; writes to metrics/<run>/ summary.csv, differences.csv,
null_beats.csv, repeats.csv and left_out.csv, and to data/<run>/ per_class.csv, confusion.csv, confusion_headline.csv,
sweep.csv and validity.csv. What other seeds gave is read from metrics/<run>/seeds.csv and seeds_clips.csv, where there
are any.
"""

from __future__ import annotations

import sys

from stages.base.errors import InputError, guard
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.compare import auc, confusion, inputs, left_out, paired, runs, seeds, summary, sweep
from stages.compare.params import PARAMS
from stages.compare.seeded import Seeded, with_seeds
from stages.compare.write import write_csv
from stages.stats.intervals import Level


def main() -> None:
    """Compare the methods of the run that the command line names."""
    if len(sys.argv) != 2:
        raise InputError("expected a data set", do="python -m stages.compare <dataset>")
    run = Run(sys.argv[1])
    params = read(PARAMS, dataset=run.name)
    compare = params["compare.{dataset}"]
    found = inputs.load(run, compare.all_methods)
    trainings = seeds.read(run, compare.all_methods, compare.learnt)
    level = Level(params["score.confidence"], params["score.assumed_icc"])
    seeded = Seeded(found, trainings, runs.read(run))
    table = with_seeds(summary.summary(found.scores), seeded, level)
    named = {metric for _, metric, _ in confusion.named_scores(found)} | found.of_sets
    beaten = summary.null_beats(table, compare.nulls)
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

    did = f"{len(compare.all_methods)} methods of {run.name}, {len(table)} rows; a null model wins {len(beaten)} times"
    ignored = inputs.stale(run, compare.all_methods)
    did += f"; ignored, not listed: {', '.join(ignored)}" if ignored else ""
    alone = trainings.stale_methods(found.scores)
    did += f"; no seeds of the shipped training of {', '.join(alone)}: run `make seeds`" if alone else ""
    closing("compare", did)


if __name__ == "__main__":
    guard(main)
