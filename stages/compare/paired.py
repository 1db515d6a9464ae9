"""Difference in a metric's headline number of each two methods, on the clips that both have.

The headline is mean class accuracy or accuracy, as the metric says, of metrics of sets macro-F1.

The variance is that of the clips' differences in verdict, with subjects as clusters (`stages.stats.spread`); the test
is Student's. A family, over which Holm's correction runs, is all pairs of listed methods, null models included, in one
protocol and metric. A method with repeated draws enters with the mean of a clip's draws.

Where a method learns, three more columns tell the difference of the means over seeds (`stages.stats.seeds`): bounds
and a p value, corrected over the same family. Of a pair in which neither learns they are as without seeds; a pair of
which one has a single training has none.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from stages.compare.holm import holm
from stages.compare.inputs import Inputs
from stages.compare.seeded import Learnt, Seeded, macro_f1
from stages.metrics.registry import headline
from stages.stats.clips import Objects
from stages.stats.design import Design, Floats, Ints, class_weights
from stages.stats.intervals import difference, p_value
from stages.stats.label_sets import compared as gap
from stages.stats.label_sets import gap_spread, matrix
from stages.stats.seeds import contrast
from stages.stats.spread import Spread, spread

KEYS = ["protocol", "metric", "model", "other"]
NUMBERS = ["difference", "low", "high", "p", "p_holm"]
COUNTS = ["clips", "classes", "subjects"]
#: The same with seeds; a run in which no method learns has none of these.
SEEDED = ["low_seeds", "high_seeds", "p_seeds"]


def differences(inputs: Inputs, confidence: float, seeded: Seeded) -> pl.DataFrame:
    """Return a row a pair, `model` minus `other`, sorted by protocol, metric and names.

    Where a metric's headline is not mean class accuracy, a column `aggregate` says which it is.
    """
    rows: list[dict[str, Any]] = []
    for (protocol, metric), keys in itertools.groupby(inputs.scored(), key=lambda key: key[:2]):
        methods = [method for _, _, method in keys]
        places = inputs.clips.protocols[protocol]
        places = places[inputs.whole(metric)[places]]
        over = {method: seeded.of(method, protocol, metric) for method in methods}
        learnt = {method: found for method, found in over.items() if found is not None}
        if metric in inputs.of_sets:
            found = of_sets(inputs, metric, methods, places, confidence, learnt)
        else:
            design = Design.of(inputs.clips.label[places].tolist(), inputs.clips.subject[places].tolist())
            right = {name: values[places] for name, values in inputs.right(metric).items() if name in methods}
            found = family(
                design,
                right,
                confidence,
                {name: one._replace(right=one.right[places]) for name, one in learnt.items() if one.right is not None},
                headline(metric, False),
            )
        number = headline(metric, metric in inputs.of_sets)
        rows += ({"protocol": protocol, "metric": metric, **row, "aggregate": number} for row in found)
    schema = [(KEYS, pl.String), (NUMBERS, pl.Float64), (COUNTS, pl.Int64)]
    schema += [(["aggregate"], pl.String), (SEEDED, pl.Float64)]
    table = pl.DataFrame(rows, schema={name: kind for names, kind in schema for name in names})
    table = table.drop("aggregate") if (table["aggregate"] == "mca").all() else table
    return table if seeded.any else table.drop(SEEDED)


def family(
    design: Design,
    right: Mapping[str, Floats],
    confidence: float,
    learnt: Mapping[str, Learnt] | None = None,
    number: str = "mca",
) -> Iterator[dict[str, Any]]:
    """Yield the differences of one family, p values corrected; `right` is (N,) a method, nan where left out.

    `learnt` are those that learn, over their seeds, their `right` of the same N clips; `number` is mca or accuracy.
    """
    over = {name: one for name, one in (learnt or {}).items() if one.right is not None}
    means = {**right, **{name: one.right for name, one in over.items() if one.right is not None}}
    rows = []
    for model, other in itertools.combinations(sorted(right), 2):
        found = compared(design, right[model], right[other], confidence, number)
        sides = [over[name] for name in (model, other) if name in over]
        if sides and found["difference"] is not None:
            on_mean = paired(design, means[model], means[other], number)
            found |= with_seeds(on_mean.value, on_mean.spread, sides, confidence)
        else:
            found |= as_without(found)
        rows.append({"model": model, "other": other, **found})
    yield from corrected(rows)


def of_sets(
    inputs: Inputs,
    metric: str,
    methods: Sequence[str],
    places: Ints,
    confidence: float,
    learnt: Mapping[str, Learnt],
) -> Iterator[dict[str, Any]]:
    """Yield the differences in macro-F1 of one family, p values corrected, over the clips of `places`."""
    labels = inputs.clips.labels[places]
    classes = sorted({name for held in labels for name in held})
    shipped = {name: draws[places] for name, draws in inputs.sets(metric).items() if name in methods}
    means = {**shipped, **{name: one.said[places] for name, one in learnt.items() if one.said is not None}}
    rows = []
    for model, other in itertools.combinations(sorted(shipped), 2):
        sides = [learnt[name] for name in (model, other) if name in learnt]
        found = gap_of(inputs, places, labels, classes, (shipped[model], shipped[other]), confidence)
        if sides and found["difference"] is not None:
            over = gap_of(inputs, places, labels, classes, (means[model], means[other]), confidence)
            found |= with_seeds(over["difference"], over["spread"], sides, confidence)
        else:
            found |= as_without(found)
        rows.append({"model": model, "other": other, **found})
    yield from corrected([{name: value for name, value in row.items() if name != "spread"} for row in rows])


def gap_of(
    inputs: Inputs,
    places: Ints,
    labels: Objects,
    classes: Sequence[str],
    said: tuple[Objects, Objects],
    confidence: float,
) -> dict[str, Any]:
    """Return numbers and counts of the difference in macro-F1 of what two methods said of `places`; its `spread`."""
    both = np.array([one is not None and two is not None for one, two in zip(*said, strict=True)], dtype=np.bool_)
    actual = matrix(labels[both].tolist(), classes)
    tested, subjects = np.asarray(actual.any(0)), inputs.clips.subject[places][both].tolist()
    found: dict[str, Any] = dict.fromkeys([*NUMBERS, "spread"])
    found |= {"clips": int(both.sum()), "classes": int(tested.sum()), "subjects": len(set(subjects))}
    if tested.any():
        one, two = (macro_f1(actual, draws[both], classes, tested) for draws in said)
        found |= gap(one, two, subjects, confidence)._asdict()
        found["spread"] = gap_spread(one, two, subjects)
    return found


def corrected(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows of a family with Holm's correction of those that have a p value; that with seeds in place."""
    for name, into in (("p", "p_holm"), ("p_seeds", "p_seeds")):
        tested = [row for row in rows if row.get(name) is not None]
        for row, adjusted in zip(tested, holm([row[name] for row in tested]), strict=True):
            row[into] = float(adjusted)
    return rows


def with_seeds(value: float, clusters: Spread, sides: Sequence[Learnt], confidence: float) -> dict[str, Any]:
    """Return the columns `SEEDED` of a pair, p not yet corrected.

    Args:
        value: the difference of the means over seeds.
        clusters: its spread over the clips.
        sides: those of the two that learn.
        confidence: of the interval.
    """
    return dict(zip(SEEDED, contrast(value, clusters, [one.seeds for one in sides], confidence), strict=True))


def as_without(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns `SEEDED` of a pair in which nothing learns."""
    return dict(zip(SEEDED, (found["low"], found["high"], found["p"]), strict=True))


class Paired(NamedTuple):
    """Two methods on the clips that both have."""

    part: Design
    """Of those clips."""
    value: float
    """The difference in mean class accuracy or accuracy; nan where there is no such clip."""
    spread: Spread
    """Of the difference: 0 where no clip differs, nan where it cannot be told."""
    differ: bool
    """Whether a clip differs."""


def paired(design: Design, model: Floats, other: Floats, number: str = "mca") -> Paired:
    """Return the difference of two methods, (N,) right draws of each, nan where left out, and what its bounds need.

    `number` is mca or accuracy.
    """
    both = ~(np.isnan(model) | np.isnan(other))
    part = design.only(both)
    if not both.any():
        return Paired(part, np.nan, Spread(np.asarray(np.nan), np.asarray(np.nan)), False)
    cells = part.cells(model[both] - other[both])
    weights = class_weights(cells, number)
    value = float(weights @ (cells.total.sum(1) / cells.clips.sum(1)))
    differ = bool(cells.square.any())
    return Paired(part, value, spread(cells, weights) if differ else Spread(np.asarray(0.0), np.asarray(1.0)), differ)


def compared(design: Design, model: Floats, other: Floats, confidence: float, number: str = "mca") -> dict[str, Any]:
    """Return difference, bounds and p value of two methods, in mca or accuracy; None where it cannot be told.

    Where the verdicts differ in the same way in all clips of each class, no variance can be estimated: there are no
    bounds then, and p is the least that a sign test over the subjects can give.
    """
    part, value, clusters, differ = paired(design, model, other, number)
    found: dict[str, Any] = dict.fromkeys(NUMBERS)
    found |= {"clips": len(part.of_class), "classes": len(part.classes), "subjects": len(part.subjects)}
    if np.isnan(value):
        return found
    found["difference"] = value
    if not differ:
        return found | {"low": 0.0, "high": 0.0, "p": 1.0}
    variance, freedom = (float(number) for number in clusters)
    if np.isnan(variance):
        return found | {"p": min(1.0, 2.0 ** (1 - len(part.subjects))) if value else 1.0}
    low, high = difference(value, variance, freedom, confidence)
    return found | {"low": float(low), "high": float(high), "p": p_value(value, variance, freedom)}
