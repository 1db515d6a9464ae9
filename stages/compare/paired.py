"""Difference in mean class accuracy, for sets in macro-F1, of each two methods, on the clips that both have.

The variance is that of the clips' differences in verdict, with subjects as clusters (`stages.stats.spread`); the test
is Student's. A family, over which Holm's correction runs, is all pairs of listed methods, null models included, in one
protocol and metric. A method with repeated draws enters with the mean of a clip's draws.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from stages.compare.holm import holm
from stages.compare.inputs import Inputs
from stages.stats.clips import Objects
from stages.stats.design import Design, Floats, Ints, Mask
from stages.stats.intervals import difference, p_value
from stages.stats.sets import Numbers, f1, matrix
from stages.stats.sets import compared as gap
from stages.stats.spread import spread

KEYS = ["protocol", "metric", "model", "other"]
NUMBERS = ["difference", "low", "high", "p", "p_holm"]
COUNTS = ["clips", "classes", "subjects"]


def differences(inputs: Inputs, confidence: float) -> pl.DataFrame:
    """Return a row a pair, `model` minus `other`, sorted by protocol, metric and names.

    Of a metric of sets it is the difference in macro-F1; a column `aggregate` then says which it is.
    """
    rows: list[dict[str, Any]] = []
    for (protocol, metric), keys in itertools.groupby(inputs.scored(), key=lambda key: key[:2]):
        methods = [method for _, _, method in keys]
        places = inputs.clips.protocols[protocol]
        places = places[inputs.whole(metric)[places]]
        if metric in inputs.of_sets:
            found = of_sets(inputs, metric, methods, places, confidence)
        else:
            design = Design.of(inputs.clips.label[places].tolist(), inputs.clips.subject[places].tolist())
            right = {name: values[places] for name, values in inputs.right(metric).items() if name in methods}
            found = family(design, right, confidence)
        aggregate = {"aggregate": "macro_f1" if metric in inputs.of_sets else "mca"} if inputs.of_sets else {}
        rows += ({"protocol": protocol, "metric": metric, **row, **aggregate} for row in found)
    schema = [(KEYS, pl.String), (NUMBERS, pl.Float64), (COUNTS, pl.Int64)]
    schema += [(["aggregate"], pl.String)] if inputs.of_sets else []
    return pl.DataFrame(rows, schema={name: kind for names, kind in schema for name in names})


def family(design: Design, right: Mapping[str, Floats], confidence: float) -> Iterator[dict[str, Any]]:
    """Yield the differences of one family, p values corrected; `right` is (N,) a method, nan where left out."""
    rows = [
        {"model": model, "other": other, **compared(design, right[model], right[other], confidence)}
        for model, other in itertools.combinations(sorted(right), 2)
    ]
    yield from corrected(rows)


def of_sets(
    inputs: Inputs, metric: str, methods: Sequence[str], places: Ints, confidence: float
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
        found: dict[str, Any] = dict.fromkeys(NUMBERS)
        found |= {"clips": int(both.sum()), "classes": int(tested.sum()), "subjects": len(set(subjects))}
        if tested.any():
            one, two = (_macro_f1(actual, said[name][both], classes, tested) for name in (model, other))
            found |= gap(one, two, subjects, confidence)._asdict()
        rows.append({"model": model, "other": other, **found})
    yield from corrected(rows)


def _macro_f1(actual: Mask, said: Objects, classes: Sequence[str], tested: Mask) -> Numbers:
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
    """Return the rows of a family with Holm's correction of those that have a p value."""
    tested = [row for row in rows if row["p"] is not None]
    for row, adjusted in zip(tested, holm([row["p"] for row in tested]), strict=True):
        row["p_holm"] = float(adjusted)
    return rows


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
    variance, freedom = (float(number) for number in spread(cells, weights))
    if np.isnan(variance):
        return found | {"p": min(1.0, 2.0 ** (1 - len(part.subjects))) if value else 1.0}
    low, high = difference(value, variance, freedom, confidence)
    return found | {"low": float(low), "high": float(high), "p": p_value(value, variance, freedom)}
