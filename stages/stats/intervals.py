"""From an estimate and its spread to an interval, and to the p value of a difference."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from stages.stats.design import Floats


class Interval(NamedTuple):
    """Bounds of an interval; each a number or an array."""

    low: Floats
    high: Floats


def fraction(value: ArrayLike, variance: ArrayLike, freedom: ArrayLike, confidence: float) -> Interval:
    """Return the interval of a fraction, (...): Wilson's, with the effective number of clips that the variance implies.

    The effective number is value * (1 - value) / variance (Korn and Graubard 1998), the quantile Student's. It stays
    within 0..1 and holds the estimate; nan where the variance is nan.
    """
    value = np.asarray(value, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = value * (1 - value) / variance
    return wilson(value, effective, freedom, confidence)


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
