"""Columns of `summary.csv` for methods that learn: how many seeds, what they gave, the interval that holds them too."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from stages.compare.inputs import Inputs
from stages.compare.paired import macro_f1
from stages.compare.seeds import Trainings
from stages.stats.design import Cells, Design, Floats
from stages.stats.intervals import Level
from stages.stats.seeds import aggregate
from stages.stats.sets import cells as cells_of_sets
from stages.stats.sets import matrix

#: Of the row's headline number, mca or macro_f1 of sets; a run in which no method learns has none of these.
COLUMNS = {
    "seeds": pl.Int64,
    "seeds_mean": pl.Float64,
    "seeds_sd": pl.Float64,
    "low_seeds": pl.Float64,
    "high_seeds": pl.Float64,
}


def with_seeds(table: pl.DataFrame, inputs: Inputs, trainings: Trainings, level: Level) -> pl.DataFrame:
    """Return the summary with `COLUMNS`, empty for methods that do not learn; of a single training without interval."""
    if not trainings.learnt:
        return table
    rows = [_columns(row, inputs, trainings, level) for row in table.iter_rows(named=True)]
    return table.hstack(pl.DataFrame(rows, schema=COLUMNS))


def _columns(row: dict[str, Any], inputs: Inputs, trainings: Trainings, level: Level) -> dict[str, Any]:
    headline = "macro_f1" if row["mca"] is None else "mca"
    method, protocol, metric = row["model"], row["protocol"], row["metric"]
    seeds = None if row[headline] is None else trainings.of((method, protocol, metric, headline), row[headline])
    if seeds is None:
        return dict.fromkeys(COLUMNS)
    found: dict[str, Any] = {"seeds": seeds.trained, "seeds_mean": float(seeds.mean)}
    if seeds.trained == 1:
        return dict.fromkeys(COLUMNS) | found
    cells, weights = (_of_sets if metric in inputs.of_sets else _of_classes)(inputs, method, protocol, metric)
    interval = aggregate(cells, weights, weights, seeds, level)
    bounds = [None if np.isnan(bound) else float(bound) for bound in interval]
    return found | {
        "seeds_sd": float(np.sqrt(seeds.variance)),
        "low_seeds": bounds[0],
        "high_seeds": bounds[1],
    }


def _of_classes(inputs: Inputs, method: str, protocol: str, metric: str) -> tuple[Cells, Floats]:
    """Return what the interval of mean class accuracy is made from, as `score` makes it."""
    right = inputs.right(metric)[method]
    places = inputs.clips.protocols[protocol]
    places = places[~np.isnan(right[places])]
    design = Design.of(inputs.clips.label[places].tolist(), inputs.clips.subject[places].tolist())
    return design.cells(right[places]), np.full(len(design.classes), 1 / len(design.classes))


def _of_sets(inputs: Inputs, method: str, protocol: str, metric: str) -> tuple[Cells, Floats]:
    """Return what the interval of macro-F1 is made from."""
    said = inputs.sets(metric)[method]
    places = inputs.clips.protocols[protocol]
    places = places[[draws is not None for draws in said[places]]]
    labels = inputs.clips.labels[places].tolist()
    classes = sorted({name for held in inputs.clips.labels for name in held})
    actual = matrix(labels, classes)
    number = macro_f1(actual, said[places], classes, np.asarray(actual.any(0)))
    return cells_of_sets(number.influence[:, 0], inputs.clips.subject[places].tolist()), np.ones(1)
