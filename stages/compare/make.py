"""Compare a run's methods: one table of all numbers, paired differences, null models that win, validity of metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stages.base.paths import NULLS, Run
from stages.compare import auc, confusion, inputs, left_out, paired, runs, seeds, summary, sweep
from stages.compare.params import CompareParams
from stages.compare.seeded import Seeded, with_seeds
from stages.compare.write import write_csv
from stages.methods.records import Method
from stages.stats.intervals import Level


def compare(run: Run, methods: Sequence[Method], of_seeds: Path | None, params: CompareParams, level: Level) -> str:
    """Compare the methods of a run, all of which are scored; return what was done, in words.

    Reads what was measured and scored; writes to metrics/<run>/ summary.csv, differences.csv, null_beats.csv,
    repeats.csv and left_out.csv, and to data/<run>/ per_class.csv, confusion.csv, confusion_headline.csv, sweep.csv and
    validity.csv. What other seeds gave is read from the folder `of_seeds`, where there is one.
    """
    names, learnt = sorted(one.name for one in methods), [one.name for one in methods if one.kind == "learnt"]
    found = inputs.load(run, names)
    trainings = seeds.read(of_seeds, names, learnt)
    seeded = Seeded(found, trainings, runs.read(of_seeds))
    table = with_seeds(summary.summary(found.scores), seeded, level)
    named = {metric for _, metric, _ in confusion.named_scores(found)} | found.of_sets
    beaten = summary.null_beats(table, NULLS)

    write_csv(run.metrics / "summary.csv", table)
    write_csv(run.metrics / "differences.csv", paired.differences(found, level.confidence, seeded))
    write_csv(run.metrics / "null_beats.csv", beaten)
    write_csv(run.metrics / "repeats.csv", summary.repeats(found.scores, found.verdicts))
    write_csv(run.metrics / "left_out.csv", left_out.left_out(found))
    write_csv(run.data / "per_class.csv", summary.per_class(found.scores))
    write_csv(run.data / "confusion.csv", confusion.confusion(found))
    write_csv(run.data / "confusion_headline.csv", confusion.headline(found, params.confusion))
    write_csv(run.data / "sweep.csv", sweep.sweep(found, params.sweep.metrics, params.sweep.steps))
    write_csv(run.data / "validity.csv", auc.validity(found, params.shuffled, named))

    did = f"{len(table)} rows; a null model wins {len(beaten)} times"
    alone = trainings.stale_methods(found.scores)
    return did + (f"; no seeds of the shipped training of {', '.join(alone)}: run `make seeds`" if alone else "")
