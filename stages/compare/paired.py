"""Differences of each two methods in a metric's numbers, on the clips that both have.

The first is in the headline: mean class accuracy or accuracy, as the metric says, of metrics of sets macro-F1. Where a
metric names one class, a second row is the difference in macro-F1; methods with repeated draws have none, for verdicts
hold the class of the first draw only.

The variance is that of the clips' differences in verdict, with subjects as clusters (`stages.stats.spread`), that of
macro-F1 of the differences of their influence values; the test is Student's. A family, over which Holm's correction
runs, is all pairs of listed methods, null models included, in one protocol, metric and number. A method with repeated
draws enters with the mean of a clip's draws.

Where a method learns, three more columns tell the difference of the means over seeds (`stages.stats.seeds`): bounds
and a p value, corrected over the same family. Of a pair in which neither learns they are as without seeds; a pair of
which one has a single training has none. The same goes for macro-F1 where the classes that other trainings named were
not kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from stages.compare.confusion import named_scores
from stages.compare.families import COUNTS, NUMBERS, SEEDED, Counts, Gap, pairs
from stages.compare.inputs import Inputs
from stages.compare.named import cells as cells_of_named
from stages.compare.named import known
from stages.compare.named import macro_f1 as macro_f1_of_named
from stages.compare.seeded import Learnt, Seeded, macro_f1
from stages.metrics.registry import headline
from stages.stats.clips import Objects
from stages.stats.design import Design, Floats, Ints, class_weights
from stages.stats.label_sets import gap_spread, matrix
from stages.stats.spread import NO_VARIANCE, spread

KEYS = ["protocol", "metric", "model", "other"]


def differences(inputs: Inputs, confidence: float, seeded: Seeded) -> pl.DataFrame:
    """Return a row a pair and number, `model` minus `other`, sorted by protocol, metric, number and names.

    Where a number is not mean class accuracy, a column `aggregate` says which each is; a metric's headline comes first.
    """
    rows: list[dict[str, Any]] = []
    named = set(named_scores(inputs))
    for (protocol, metric), keys in itertools.groupby(inputs.scored(), key=lambda key: key[:2]):
        methods = [method for _, _, method in keys]
        places = inputs.clips.protocols[protocol]
        places = places[inputs.whole(metric)[places]]
        number = headline(metric, metric in inputs.of_sets)
        learnt = seeded.among(methods, protocol, metric, number, places)
        if metric in inputs.of_sets:
            families = {number: of_sets(inputs, metric, methods, places, confidence, learnt)}
        else:
            design = Design.of(inputs.clips.label[places].tolist(), inputs.clips.subject[places].tolist())
            right = {name: values[places] for name, values in inputs.right(metric).items() if name in methods}
            families = {number: family(design, right, confidence, learnt, number)}
            naming = [method for method in methods if (protocol, metric, method) in named]
            if naming:
                classes = {name: codes[places] for name, codes in inputs.named(metric, naming).items()}
                learnt = seeded.among(classes, protocol, metric, "macro_f1", places)
                families["macro_f1"] = of_named(design, inputs.classes, classes, confidence, learnt)
        keys_of = {"protocol": protocol, "metric": metric}
        rows += ({**keys_of, **row, "aggregate": name} for name, found in families.items() for row in found)
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
) -> list[dict[str, Any]]:
    """Return the differences of one family, p values corrected; `right` is (N,) a method, nan where left out.

    `learnt` are those that learn, over their seeds, their `right` of the same N clips; `number` is mca or accuracy.
    """
    over = {name: (one.right, one.seeds) for name, one in (learnt or {}).items() if one.right is not None}
    return pairs(right, over, lambda model, other: compared(design, model, other, confidence, number), confidence)


def of_sets(
    inputs: Inputs,
    metric: str,
    methods: Sequence[str],
    places: Ints,
    confidence: float,
    learnt: Mapping[str, Learnt],
) -> list[dict[str, Any]]:
    """Return the differences in macro-F1 of one family, p values corrected, over the clips of `places`.

    `learnt` are those that learn, over their seeds, what they `said` of the same clips.
    """
    labels = inputs.clips.labels[places]
    classes = sorted({name for held in labels for name in held})
    shipped = {name: draws[places] for name, draws in inputs.sets(metric).items() if name in methods}
    over = {name: (one.said, one.seeds) for name, one in learnt.items() if one.said is not None}

    def gap(model: Objects, other: Objects) -> Gap:
        both = np.array([one is not None and two is not None for one, two in zip(model, other, strict=True)], np.bool_)
        actual = matrix(labels[both].tolist(), classes)
        tested, subjects = np.asarray(actual.any(0)), inputs.clips.subject[places][both].tolist()
        counts = Counts(int(both.sum()), int(tested.sum()), len(set(subjects)))
        if not tested.any():
            return Gap.of(None, counts, confidence)
        one, two = (macro_f1(actual, draws[both], classes, tested) for draws in (model, other))
        return Gap.of((float(one.value[0] - two.value[0]), gap_spread(one, two, subjects)), counts, confidence)

    return pairs(shipped, over, gap, confidence)


def of_named(
    design: Design,
    classes: Sequence[str],
    named: Mapping[str, Ints],
    confidence: float,
    learnt: Mapping[str, Learnt],
) -> list[dict[str, Any]]:
    """Return the differences in macro-F1 of one family of a metric of one class, p values corrected.

    `named` is (N,) a method, as `Inputs.named` says it, over the design's clips; `learnt` are those that learn, over
    their seeds, what each training `named` of the same clips.
    """
    over = {name: (one.named, one.seeds) for name, one in learnt.items() if one.named is not None}

    def gap(model: Ints, other: Ints) -> Gap:
        both = known(model) & known(other)
        part = design.only(both)
        counts = Counts(len(part.of_class), len(part.classes), len(part.subjects))
        if not both.any():
            return Gap.of(None, counts, confidence)
        one, two = (macro_f1_of_named(part, classes, codes[:, both]) for codes in (model, other))
        influence = (one.influence - two.influence)[:, 0]
        clusters = spread(cells_of_named(part, influence), np.ones(counts.classes)) if influence.any() else NO_VARIANCE
        return Gap.of((float(one.value[0] - two.value[0]), clusters), counts, confidence)

    return pairs({name: codes[None] for name, codes in named.items()}, over, gap, confidence)


def compared(design: Design, model: Floats, other: Floats, confidence: float, number: str = "mca") -> Gap:
    """Return the difference of two methods in mca or accuracy (`number`), of (N,) right draws each, nan: left out."""
    both = ~(np.isnan(model) | np.isnan(other))
    part = design.only(both)
    counts = Counts(len(part.of_class), len(part.classes), len(part.subjects))
    if not both.any():
        return Gap.of(None, counts, confidence)
    cells = part.cells(model[both] - other[both])
    weights = class_weights(cells, number)
    value = float(weights @ (cells.total.sum(1) / cells.clips.sum(1)))
    return Gap.of((value, spread(cells, weights) if cells.square.any() else NO_VARIANCE), counts, confidence)
