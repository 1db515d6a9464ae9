"""Methods that learn, over the seeds of their training: columns of `summary.csv`, and what pairs are made from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from stages.base.errors import InputError
from stages.compare.inputs import Inputs
from stages.compare.named import cells as cells_of_named
from stages.compare.named import known
from stages.compare.named import macro_f1 as macro_f1_of_named
from stages.compare.runs import Runs
from stages.compare.seeds import DIGIT, Trainings
from stages.metrics.registry import headline
from stages.stats.clips import Objects
from stages.stats.design import Cells, Design, Floats, Ints, Mask, class_weights
from stages.stats.intervals import Level
from stages.stats.label_sets import Numbers, f1, matrix
from stages.stats.label_sets import cells as cells_of_sets
from stages.stats.seeds import Seeds, aggregate, shared

#: Of the row's headline number; a run in which no method learns has none of these.
COLUMNS = {
    "seeds": pl.Int64,
    "seeds_mean": pl.Float64,
    "seeds_sd": pl.Float64,
    "low_seeds": pl.Float64,
    "high_seeds": pl.Float64,
}


#: Method, protocol, metric and number.
Key = tuple[str, str, str, str]


class Learnt(NamedTuple):
    """A method that learnt, in one protocol and metric, over its k trainings."""

    seeds: Seeds
    right: Floats | None
    """(M,) each clip's share of right draws, the mean over trainings; nan: left out. None of another number than a
    metric of classes' headline."""
    said: Objects | None
    """(M,) the sets of all draws of all trainings; None: left out. None by a metric of classes."""
    named: Ints | None
    """(k, M) the class that each named, as `Inputs.named` says it. None of another number than macro-F1 of these."""
    cells: Cells
    """What the number of the mean over trainings is made from, and its weights."""
    weights: Floats

    def at(self, places: Ints) -> Learnt:
        """Return the same with what was answered of some of the M clips only."""
        return self._replace(
            right=None if self.right is None else self.right[places],
            said=None if self.said is None else self.said[places],
            named=None if self.named is None else self.named[:, places],
        )


class Seeded:
    """What the listed methods are over seeds."""

    def __init__(self, inputs: Inputs, trainings: Trainings, runs: Runs) -> None:
        """Take the tables of shipped and other trainings."""
        self._inputs, self._trainings, self._runs = inputs, trainings, runs
        rows = inputs.scores.select("method", "protocol", "metric", "aggregate", "value").rows()
        self._shipped = {row[:4]: row[4] for row in rows}
        self.of = cache(self._of)

    @property
    def any(self) -> bool:
        """Whether a method learns at all."""
        return bool(self._trainings.learnt)

    def among(self, methods: Iterable[str], protocol: str, metric: str, number: str, places: Ints) -> dict[str, Learnt]:
        """Return those of the methods that learn, by name, with what was answered of the clips of `places`; as `of`."""
        found = {method: self.of(method, protocol, metric, number) for method in methods}
        return {method: one.at(places) for method, one in found.items() if one is not None}

    def by_headline(self, method: str, protocol: str, metric: str) -> Learnt | None:
        """Return a method over its seeds by a metric's headline number; as `of`."""
        return self.of(method, protocol, metric, headline(metric, metric in self._inputs.of_sets))

    def _of(self, method: str, protocol: str, metric: str, number: str) -> Learnt | None:
        """Return a method over its seeds; None for one that does not learn, or has no such number.

        `number` is the metric's headline, or macro_f1. Where the classes that other trainings named were not kept, the
        shipped training stands alone by macro_f1 of a metric of one class.

        Raises:
            InputError: what the trainings said is missing, or is of others than those whose values stand in seeds.csv.
        """
        key = (method, protocol, metric, number)
        shipped = self._shipped.get(key)
        values = None if shipped is None else self._trainings.of(key, shipped)
        if values is None:
            return None
        of_one_class = _of_named if number == "macro_f1" else _of_shares
        of_kind = _of_sets if metric in self._inputs.of_sets else of_one_class
        if of_kind is _of_named and not self._runs.keep_classes(method, metric):
            values = values[:1]
        found = of_kind(self._inputs, self._runs, key, values)
        if abs(float(np.mean(values)) - found.mean) > DIGIT:
            raise InputError(
                "it and seeds.csv are of different trainings",
                file=self._runs.path,
                row="/".join(key),
                key="said",
                do="write both again: `make seeds`",
            )
        seeds = Seeds.of(values, shared(found.departures, found.weights))
        return Learnt(seeds, found.right, found.said, found.named, found.cells, found.weights)


def with_seeds(table: pl.DataFrame, seeded: Seeded, level: Level) -> pl.DataFrame:
    """Return the summary with `COLUMNS`, empty for methods that do not learn; of a single training without interval."""
    if not seeded.any:
        return table
    rows = [_columns(row, seeded, level) for row in table.iter_rows(named=True)]
    return table.hstack(pl.DataFrame(rows, schema=COLUMNS))


def _columns(row: dict[str, Any], seeded: Seeded, level: Level) -> dict[str, Any]:
    learnt = seeded.by_headline(row["model"], row["protocol"], row["metric"])
    if learnt is None:
        return dict.fromkeys(COLUMNS)
    seeds = learnt.seeds
    found: dict[str, Any] = {"seeds": seeds.trained, "seeds_mean": float(seeds.mean)}
    if seeds.trained == 1:
        return dict.fromkeys(COLUMNS) | found
    interval = aggregate(learnt.cells, learnt.weights, learnt.weights, seeds, level)
    bounds = [None if np.isnan(bound) else float(bound) for bound in interval]
    return found | {"seeds_sd": float(np.sqrt(seeds.variance)), "low_seeds": bounds[0], "high_seeds": bounds[1]}


class _Found(NamedTuple):
    """A number's mean over trainings, what it is made from, and each training's departure from that."""

    mean: float
    cells: Cells
    departures: Sequence[Cells]
    weights: Floats
    right: Floats | None = None
    said: Objects | None = None
    named: Ints | None = None


def _of_shares(inputs: Inputs, runs: Runs, key: Key, values: Sequence[float]) -> _Found:
    """Return what the interval of a metric's headline, mca or accuracy, is made from, as `score` makes it."""
    method, protocol, metric, number = key
    right = runs.right(inputs, method, metric, len(values))  # (k, M)
    mean = right.mean(0)
    places = inputs.clips.protocols[protocol]
    places = places[~np.isnan(mean[places])]
    design = Design.of(inputs.clips.label[places].tolist(), inputs.clips.subject[places].tolist())
    cells = design.cells(mean[places])
    weights = class_weights(cells, number)
    value = float(weights @ (cells.total.sum(1) / cells.clips.sum(1)))
    return _Found(value, cells, [design.cells(one[places] - mean[places]) for one in right], weights, right=mean)


def _of_named(inputs: Inputs, runs: Runs, key: Key, values: Sequence[float]) -> _Found:
    """Return what the interval of macro-F1 of a metric of one class is made from, as `score` makes it."""
    method, protocol, metric, _ = key
    named = runs.named(inputs, method, metric, len(values))  # (k, M)
    places = inputs.clips.protocols[protocol]
    places = places[known(named[:, places])]
    design = Design.of(inputs.clips.label[places].tolist(), inputs.clips.subject[places].tolist())
    mean = macro_f1_of_named(design, inputs.classes, named[:, places])
    each = [macro_f1_of_named(design, inputs.classes, one[None, places]) for one in named]
    departures = [cells_of_named(design, (one.influence - mean.influence)[:, 0]) for one in each]
    cells = cells_of_named(design, mean.influence[:, 0])
    return _Found(float(mean.value[0]), cells, departures, np.ones(len(design.classes)), named=named)


def _of_sets(inputs: Inputs, runs: Runs, key: Key, values: Sequence[float]) -> _Found:
    """Return what the interval of macro-F1 is made from."""
    method, protocol, metric, _ = key
    said = runs.sets(inputs, method, metric, len(values))
    pooled = together(said)
    places: Ints = inputs.clips.protocols[protocol]
    places = places[[draws is not None for draws in pooled[places]]]
    labels, subjects = inputs.clips.labels[places].tolist(), inputs.clips.subject[places].tolist()
    classes = sorted({name for held in inputs.clips.labels for name in held})
    actual = matrix(labels, classes)
    tested = np.asarray(actual.any(0))
    each = [macro_f1(actual, one[places], classes, tested) for one in said]
    mean = macro_f1(actual, pooled[places], classes, tested)
    departures = [cells_of_sets((one.influence - mean.influence)[:, 0], subjects) for one in each]
    cells = cells_of_sets(mean.influence[:, 0], subjects)
    return _Found(float(mean.value[0]), cells, departures, np.ones(1), said=pooled)


def together(said: Sequence[Objects]) -> Objects:
    """Return (M,) the draws of all trainings; None where one of them left the clip out."""
    pooled = np.full(len(said[0]), None, dtype=object)
    for place in range(len(pooled)):
        if all(one[place] is not None for one in said):
            pooled[place] = [draw for one in said for draw in one[place]]
    return pooled


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
