"""From an estimate and its spread to an interval, and to the p value of a difference.

Where no answer differs from the others (all right, all wrong) or each class has a single subject, there is nothing to
estimate a variance from: the interval then rests on an assumed correlation of a subject's clips of one class. With one
subject there is no interval at all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from stages.stats.design import Cells, Floats
from stages.stats.spread import Spread, effective_clips, spread


class Level(NamedTuple):
    """How sure intervals shall be, and what they assume where nothing can be estimated."""

    confidence: float
    """Share of intervals that shall hold the true value."""
    assumed_icc: float
    """Correlation of two clips of the same subject and class."""


class Interval(NamedTuple):
    """Bounds of an interval; each a number or an array."""

    low: Floats
    high: Floats


def aggregate(value: ArrayLike, cells: Cells, weights: Floats, alike: Floats, level: Level) -> Interval:
    """Return the interval of a fraction that is an aggregate over classes, (...); nan where it cannot be told.

    It is Wilson's with Student's quantile and the effective number of clips that the variance implies, which is
    value * (1 - value) / variance (Korn and Graubard 1998): within 0..1, and it holds the estimate.

    Args:
        value: (...) the estimate.
        cells: the quantity whose weighted class means make up the deviation of the estimate, as `spread` takes it.
        weights: (C,) of the class means.
        alike: (C,) of the classes, summing to 1, where the variance has to be assumed.
        level: of the interval.
    """
    value, subjects = np.asarray(value, dtype=np.float64), cells.clips.shape[1]
    variance, freedom = spread(cells, weights)
    told = ~np.isnan(variance)
    estimated = value * (1 - value) / np.where(told, variance, 1.0)
    effective = np.where(told, estimated, effective_clips(cells.clips, alike, level.assumed_icc))
    freedom = np.where(told, freedom, subjects - 1) if subjects > 1 else np.full(value.shape, np.nan)
    return wilson(value, effective, freedom, level.confidence)


def wilson(value: ArrayLike, effective: ArrayLike, freedom: ArrayLike, confidence: float) -> Interval:
    """Return Wilson's score interval (1927) for a fraction seen in `effective` clips, with Student's quantile."""
    value = np.asarray(value, dtype=np.float64)
    square = np.asarray(stdtrit(freedom, (1 + confidence) / 2) ** 2 / effective, dtype=np.float64)
    centre = (value + square / 2) / (1 + square)
    half = np.sqrt(value * (1 - value) * square + square**2 / 4) / (1 + square)
    # Rounding may put the bound a hair on the wrong side of an estimate of 0 or 1.
    return Interval(np.clip(centre - half, 0.0, value), np.clip(centre + half, value, 1.0))


def difference(value: float, variance: float, freedom: float, confidence: float) -> Interval:
    """Return Student's interval of a difference of two fractions, within -1..1."""
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * variance**0.5
    return Interval(np.maximum(value - half, -1.0), np.minimum(value + half, 1.0))


def p_value(value: float, variance: float, freedom: float) -> float:
    """Return the two-sided p value of Student's test that a difference is 0."""
    return float(2 * stdtr(freedom, -abs(value) / variance**0.5))


class Compared(NamedTuple):
    """The difference of two numbers; None where it cannot be told."""

    difference: float
    low: float | None
    high: float | None
    p: float


def tested(value: float, clusters: Spread, subjects: int, confidence: float) -> Compared:
    """Return a difference as Student's test sees it.

    Where no variance can be estimated there are no bounds, and p is the least that a sign test over the subjects gives.

    Args:
        value: the difference.
        clusters: its spread over the clips: of variance 0 where no clip contributes to it, nan where it is not told.
        subjects: how many clusters there are.
        confidence: of the interval.
    """
    variance, freedom = (float(number) for number in clusters)
    if variance == 0:
        return Compared(value, value, value, 1.0) if value == 0 else Compared(value, None, None, 1.0)
    if np.isnan(variance):
        return Compared(value, None, None, min(1.0, 2.0 ** (1 - subjects)) if value else 1.0)
    low, high = difference(value, variance, freedom, confidence)
    return Compared(value, float(low), float(high), p_value(value, variance, freedom))
