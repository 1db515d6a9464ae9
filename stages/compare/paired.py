"""Difference in mean class accuracy, for sets in macro-F1, of each two methods, on the clips that both have.

The variance is that of the clips' differences in verdict, with subjects as clusters (`stages.stats.spread`); the test
is Student's. A family, over which Holm's correction runs, is all pairs of listed methods, null models included, in one
protocol and metric. A method with repeated draws enters with the mean of a clip's draws.

Where a method learns, three more columns tell the difference of the means over seeds (`stages.stats.seeds`): bounds
and a p value, corrected over the same family. Of a pair in which neither learns they are as without seeds; a pair of
which one has a single training has none.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from stages.compare.holm import holm
from stages.compare.inputs import Inputs
from stages.compare.seeds import Trainings
from stages.stats.clips import Objects
from stages.stats.design import Design, Floats, Ints, Mask
from stages.stats.intervals import difference, p_value
from stages.stats.seeds import Seeds, contrast
from stages.stats.sets import Numbers, f1, gap_spread, matrix
from stages.stats.sets import compared as gap
from stages.stats.spread import Spread, spread

KEYS = ["protocol", "metric", "model", "other"]
NUMBERS = ["difference", "low", "high", "p", "p_holm"]
COUNTS = ["clips", "classes", "subjects"]
#: The same with seeds; a run in which no method learns has none of these.
SEEDED = ["low_seeds", "high_seeds", "p_seeds"]
HEADLINE = ["method", "protocol", "metric", "aggregate", "value"]

#: Of a method: how far the mean over its seeds is above its shipped number, and its seeds; none if it does not learn.
Moved = Callable[[str], tuple[float, Seeds | None]]


def unmoved(_: str) -> tuple[float, Seeds | None]:
    """Tell of no method that it learns."""
    return 0.0, None


def differences(inputs: Inputs, confidence: float, trainings: Trainings) -> pl.DataFrame:
    """Return a row a pair, `model` minus `other`, sorted by protocol, metric and names.

    Of a metric of sets it is the difference in macro-F1; a column `aggregate` then says which it is.
    """
    rows: list[dict[str, Any]] = []
    shipped = {key[:4]: key[4] for key in inputs.scores.select(HEADLINE).rows()}
    for (protocol, metric), keys in itertools.groupby(inputs.scored(), key=lambda key: key[:2]):
        methods = [method for _, _, method in keys]
        places = inputs.clips.protocols[protocol]
        places = places[inputs.whole(metric)[places]]
        headline = "macro_f1" if metric in inputs.of_sets else "mca"

        def moved(
            method: str, protocol: str = protocol, metric: str = metric, headline: str = headline
        ) -> tuple[float, Seeds | None]:
            value = shipped[method, protocol, metric, headline]
            seeds = trainings.of((method, protocol, metric, headline), value)
            return (0.0, None) if seeds is None else (float(seeds.mean) - value, seeds)

        if metric in inputs.of_sets:
            found = of_sets(inputs, metric, methods, places, confidence, moved)
        else:
            design = Design.of(inputs.clips.label[places].tolist(), inputs.clips.subject[places].tolist())
            right = {name: values[places] for name, values in inputs.right(metric).items() if name in methods}
            found = family(design, right, confidence, moved)
        aggregate = {"aggregate": headline} if inputs.of_sets else {}
        rows += ({"protocol": protocol, "metric": metric, **row, **aggregate} for row in found)
    schema = [(KEYS, pl.String), (NUMBERS, pl.Float64), (COUNTS, pl.Int64)]
    schema += [(["aggregate"], pl.String)] if inputs.of_sets else []
    schema += [(SEEDED, pl.Float64)]
    table = pl.DataFrame(rows, schema={name: kind for names, kind in schema for name in names})
    return table if trainings.learnt else table.drop(SEEDED)


def family(
    design: Design, right: Mapping[str, Floats], confidence: float, moved: Moved = unmoved
) -> Iterator[dict[str, Any]]:
    """Yield the differences of one family, p values corrected; `right` is (N,) a method, nan where left out."""
    rows = []
    for model, other in itertools.combinations(sorted(right), 2):
        found = compared(design, right[model], right[other], confidence)
        seeded = with_seeds(found, paired_spread(design, right[model], right[other]), model, other, confidence, moved)
        rows.append({"model": model, "other": other, **found, **seeded})
    yield from corrected(rows)


def of_sets(
    inputs: Inputs, metric: str, methods: Sequence[str], places: Ints, confidence: float, moved: Moved
) -> Iterator[dict[str, Any]]:
    """Yield the differences in macro-F1 of one family, p values corrected, over the clips of `places`."""
    labels = inputs.clips.labels[places]
    classes = sorted({name for held in labels for name in held})
    said = {name: draws[places] for name, draws in inputs.sets(metric).items() if name in methods}
    rows = []
    for model, other in itertools.combinations(sorted(said), 2):
        both = np.array([one is not None and two is not None
                         for one, two in zip(said[model], said[other], strict=True)], dtype=np.bool_)  # fmt: skip
        actual = matrix(labels[both].tolist(), classes)
        tested, subjects = np.asarray(actual.any(0)), inputs.clips.subject[places][both].tolist()
        found: dict[str, Any] = dict.fromkeys([*NUMBERS, *SEEDED])
        found |= {"clips": int(both.sum()), "classes": int(tested.sum()), "subjects": len(set(subjects))}
        if tested.any():
            one, two = (macro_f1(actual, said[name][both], classes, tested) for name in (model, other))
            found |= gap(one, two, subjects, confidence)._asdict()
            found |= with_seeds(found, gap_spread(one, two, subjects), model, other, confidence, moved)
        rows.append({"model": model, "other": other, **found})
    yield from corrected(rows)


def macro_f1(actual: Mask, said: Objects, classes: Sequence[str], tested: Mask) -> Numbers:
    """Return the mean over a method's draws; a clip without the draw contributes nothing to it."""
    draws = max(map(len, said))
    numbers = []
    for draw in range(draws):
        has = np.array([len(sets) > draw for sets in said], dtype=np.bool_)
        found = f1(actual[has], matrix([sets[draw] for sets in said[has]], classes)).mean(tested)
        influence = np.zeros((len(said), 1))
        influence[has] = found.influence
        numbers.append((found.value, influence))
    return Numbers(np.mean([value for value, _ in numbers], 0), np.mean([one for _, one in numbers], 0))


def corrected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a family with Holm's correction of those that have a p value; that with seeds in place."""
    for name, into in (("p", "p_holm"), ("p_seeds", "p_seeds")):
        tested = [row for row in rows if row.get(name) is not None]
        for row, adjusted in zip(tested, holm([row[name] for row in tested]), strict=True):
            row[into] = float(adjusted)
    return rows


def with_seeds(
    found: Mapping[str, Any], clusters: Spread, model: str, other: str, confidence: float, moved: Moved
) -> dict[str, float | None]:
    """Return the columns `SEEDED` of a pair, p not yet corrected.

    Args:
        found: the pair's numbers by the shipped runs.
        clusters: the spread of their difference.
        model: its name.
        other: the other's name.
        confidence: of the interval.
        moved: the seeds of each method.
    """
    (up, mine), (down, its) = moved(model), moved(other)
    learnt = [seeds for seeds in (mine, its) if seeds is not None]
    if not learnt or found["difference"] is None:
        return dict(zip(SEEDED, (found["low"], found["high"], found["p"]), strict=True))
    return dict(zip(SEEDED, contrast(found["difference"] + up - down, clusters, learnt, confidence), strict=True))


def paired_spread(design: Design, model: Floats, other: Floats) -> Spread:
    """Return the spread of the difference of two methods, as `compared` takes it; 0 where no clip differs."""
    both = ~(np.isnan(model) | np.isnan(other))
    if not both.any():
        return Spread(np.asarray(np.nan), np.asarray(np.nan))
    part = design.only(both)
    cells = part.cells(model[both] - other[both])
    if not cells.square.any():
        return Spread(np.asarray(0.0), np.asarray(1.0))
    return spread(cells, np.full(len(part.classes), 1 / len(part.classes)))


def compared(design: Design, model: Floats, other: Floats, confidence: float) -> dict[str, Any]:
    """Return difference, bounds and p value of two methods; None where it cannot be told.

    Where the verdicts differ in the same way in all clips of each class, no variance can be estimated: there are no
    bounds then, and p is the least that a sign test over the subjects can give.
    """
    both = ~(np.isnan(model) | np.isnan(other))
    found: dict[str, Any] = dict.fromkeys(NUMBERS)
    part = design.only(both)
    found |= {"clips": int(both.sum()), "classes": len(part.classes), "subjects": len(part.subjects)}
    if not both.any():
        return found
    cells = part.cells(model[both] - other[both])
    weights = np.full(len(part.classes), 1 / len(part.classes))
    value = float(weights @ (cells.total.sum(1) / cells.clips.sum(1)))
    found["difference"] = value
    if not cells.square.any():
        return found | {"low": 0.0, "high": 0.0, "p": 1.0}
    variance, freedom = (float(number) for number in paired_spread(design, model, other))
    if np.isnan(variance):
        return found | {"p": min(1.0, 2.0 ** (1 - len(part.subjects))) if value else 1.0}
    low, high = difference(value, variance, freedom, confidence)
    return found | {"low": float(low), "high": float(high), "p": p_value(value, variance, freedom)}
