"""Numbers about sets of labels, class by class, each with what every clip contributes to its deviation.

A class is a yes/no task over all N clips. Precision, recall and F1 are scikit-learn's with `zero_division=0`, average
precision is its `average_precision_score`. Influence values are the derivative of a number by each clip's weight (the
infinitesimal jackknife): their sums over clusters give its cluster-robust variance, for which `interval` and `compared`
take the clips of all classes together as one, so that what classes share within a recording is in it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.stats.design import Cells, Design, Floats, Mask
from stages.stats.intervals import Compared, Interval, Level, aggregate, tested
from stages.stats.spread import NO_VARIANCE, Spread, spread


class Numbers(NamedTuple):
    """A number of each class, and its influence values."""

    value: Floats
    """(C,)."""
    influence: Floats
    """(N, C)."""

    def mean(self, classes: Mask) -> Numbers:
        """Return the mean over some of the classes as a number of one class; `classes` is (C,)."""
        return Numbers(self.value[classes].mean(keepdims=True), self.influence[:, classes].mean(1, keepdims=True))


def matrix(sets: Sequence[Collection[str] | None], classes: Sequence[str]) -> Mask:
    """Return which classes (N, C) each of N sets holds; none of them where there is no set."""
    return np.array([[name in (held or ()) for name in classes] for held in sets], dtype=np.bool_).reshape(
        len(sets), len(classes)
    )


def precision(actual: Mask, named: Mask) -> Numbers:
    """Return the share of the clips for which a class was named that have it; both arguments are (N, C)."""
    return _ratio(actual & named, named, actual & named, 1.0)


def recall(actual: Mask, named: Mask) -> Numbers:
    """Return the share of a class's clips for which it was named; both arguments are (N, C)."""
    return _ratio(actual & named, actual, actual & named, 1.0)


def f1(actual: Mask, named: Mask) -> Numbers:
    """Return the harmonic mean of precision and recall; both arguments are (N, C)."""
    hit = actual & named
    return _ratio(hit, actual.astype(np.int64) + named, hit, 2.0)


def _ratio(hit: Mask, of: NDArray[np.generic], top: Mask, factor: float) -> Numbers:
    total = of.sum(0).astype(np.float64)
    safe = np.maximum(total, 1)
    value = factor * hit.sum(0) / safe
    influence = (factor * top - value * of) / safe
    return Numbers(np.where(total > 0, value, 0.0), np.where(total > 0, influence, 0.0))


def average_precision(actual: Mask, scores: Floats) -> Numbers:
    """Return the mean over a class's clips of the precision among all that score at least as high; (N, C) each.

    0 for a class without clips. A score of minus infinity ranks a clip last.
    """
    found = [_ap(actual[:, place], scores[:, place]) for place in range(actual.shape[1])]
    return Numbers(np.array([value for value, _ in found]), np.stack([influence for _, influence in found], 1))


def _ap(actual: Mask, score: Floats) -> tuple[float, Floats]:
    count = int(actual.sum())
    if not count:
        return 0.0, np.zeros(len(actual))
    _, rank = np.unique(-score, return_inverse=True)  # 0 is the highest; equal scores share a rank
    levels = int(rank.max()) + 1
    true_here = np.bincount(rank, weights=actual, minlength=levels)
    true, named = np.cumsum(true_here), np.cumsum(np.bincount(rank, minlength=levels))
    value = float((true_here * true / named).sum() / count)
    # A clip counts itself where it is true, and is in the precision of every true clip that scores no higher.
    own = actual * (true / named)[rank]
    after = np.cumsum((true_here / named)[::-1])[::-1][rank]
    drag = np.cumsum((true_here * true / named**2)[::-1])[::-1][rank]
    return value, (own + actual * after - drag - actual * value) / count


def interval(number: Numbers, subjects: Sequence[str], level: Level) -> Interval:
    """Return the interval of each class's number, (C,), with the N clips' clusters."""
    bounds = [
        aggregate(number.value[place], cells(number.influence[:, place], subjects), np.ones(1), np.ones(1), level)
        for place in range(len(number.value))
    ]
    return Interval(np.array([float(one.low) for one in bounds]), np.array([float(one.high) for one in bounds]))


def compared(model: Numbers, other: Numbers, subjects: Sequence[str], confidence: float) -> Compared:
    """Return the difference of two numbers of one class, paired by clip, as Student's test sees it."""
    value = float(model.value[0] - other.value[0])
    return tested(value, gap_spread(model, other, subjects), len(set(subjects)), confidence)


def gap_spread(model: Numbers, other: Numbers, subjects: Sequence[str]) -> Spread:
    """Return the variance of the difference of two numbers of one class, paired by clip; 0 where no clip differs."""
    gap = (model.influence - other.influence)[:, 0]
    return spread(cells(gap, subjects), np.ones(1)) if gap.any() else NO_VARIANCE


def cells(influence: Floats, subjects: Sequence[str]) -> Cells:
    """Return what `spread` takes, of the influence values (N,) of a number and the N clips' clusters."""
    return Design.of(["all"] * len(subjects), subjects).cells(influence * len(subjects))
