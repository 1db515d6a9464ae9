"""Aggregates of a protocol's test part, each with its interval.

Mean class accuracy is the mean over classes of the share of right clips; `stages.stats` says how the intervals come
about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from stages.stats.design import Cells, Design, Floats, Ints, Mask, class_weights
from stages.stats.intervals import Interval, Level, aggregate, wilson
from stages.stats.macro_f1 import macro_f1
from stages.stats.spread import effective_clips, pooled_icc


class Bounds(NamedTuple):
    """Of an interval; None where it cannot be told."""

    low: float | None
    high: float | None


class Size(NamedTuple):
    """What a number rests on."""

    clips: int
    classes: int
    subjects: int


class Aggregate(NamedTuple):
    """One number of a test part."""

    name: str
    value: float
    bounds: Bounds
    size: Size


UNTOLD = Bounds(None, None)


def aggregates(design: Design, right: Floats, named: Ints | None, level: Level) -> Iterator[Aggregate]:
    """Yield mca, accuracy, macro_f1 (with named classes), class:{name} and, with several draws, mca_sd.

    Args:
        design: N scored clips.
        right: (R, N) verdict of each draw, nan where a draw has none; every clip has one in some draw.
        named: (R, N) index of the named class, negative for none; None for a metric that names no class.
        level: of the intervals.
    """
    known = ~np.isnan(right)
    cells = design.cells(np.where(known, right, 0.0).sum(0) / known.sum(0))
    clips, classes = cells.clips.sum(1), len(design.classes)
    recall = cells.total.sum(1) / clips
    size = Size(len(design.of_class), classes, len(design.subjects))
    for name in ("mca", "accuracy"):
        weights = class_weights(cells, name)
        value = float(weights @ recall)
        yield Aggregate(name, value, told(aggregate(value, cells, weights, weights, level)), size)
    if named is not None:
        value, influence = _mean_macro_f1(design, known, named)
        of_clip = design.cells(influence * clips[design.of_class])
        even = class_weights(cells, "mca")
        yield Aggregate("macro_f1", value, told(aggregate(value, of_clip, np.ones(classes), even, level)), size)
    yield from _per_class(design, cells, recall, level)
    if len(right) > 1:
        of_draws = [_mca(design, draw) for draw in right if not np.isnan(draw).all()]
        deviation = float(np.std(of_draws, ddof=min(1, len(of_draws) - 1)))
        yield Aggregate("mca_sd", deviation, UNTOLD, size)


def _per_class(design: Design, cells: Cells, recall: Floats, level: Level) -> Iterator[Aggregate]:
    # A class has too few subjects for a variance of its own: its clips count as many as the classes' common
    # correlation within a subject leaves of them.
    icc = float(pooled_icc(cells))
    icc = level.assumed_icc if np.isnan(icc) else icc
    for index, name in enumerate(design.classes):
        row, value = cells.clips[index : index + 1], float(recall[index])
        effective = effective_clips(row, np.ones(1), icc) if len(design.subjects) > 1 else np.nan
        bounds = told(wilson(value, effective, np.inf, level.confidence))
        yield Aggregate(f"class:{name}", value, bounds, Size(int(row.sum()), 1, int((row > 0).sum())))


def told(interval: Interval) -> Bounds:
    """Return an interval's bounds; untold ones where it is nan."""
    return UNTOLD if np.isnan(interval.low) else Bounds(float(interval.low), float(interval.high))


def _mean_macro_f1(design: Design, known: Mask, named: Ints) -> tuple[float, Floats]:
    values, influence, draws = [], np.zeros(len(design.of_class)), np.zeros(len(design.of_class))
    for seen, names in zip(known, named, strict=True):
        if not seen.any():
            continue
        part = design.only(seen)
        # A class without a clip in this draw vanishes from it; its name then counts as no class.
        place = np.full(len(design.classes) + 1, -1)
        place[np.searchsorted(design.classes, part.classes)] = np.arange(len(part.classes))
        found = macro_f1(part.of_class, place[names[seen]], len(part.classes))
        values.append(found.value)
        influence[seen] += found.influence
        draws[seen] += 1
    return float(np.mean(values)), influence / np.maximum(draws, 1)


def _mca(design: Design, right: Floats) -> float:
    seen = ~np.isnan(right)
    clips = np.bincount(design.of_class[seen], minlength=len(design.classes))
    total = np.bincount(design.of_class[seen], weights=right[seen], minlength=len(design.classes))
    return float((total[clips > 0] / clips[clips > 0]).mean())
