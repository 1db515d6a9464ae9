"""Intervals that hold both sources of error of a method that learns: the subjects tested, and the seed of its training.

The number estimated is the method's expected value over new subjects (recordings) and new trainings: other seeds, the
same recipe and, for what hangs on one, the same base model. The estimate is the mean over k trainings, of which the
first is the shipped run; each saw the same clips.

1. A run's value is mean + subjects + seed + what both share (a training that is better with one subject, chance of a
   clip). Each clip's mean over the k runs averages what is shared, so the cluster variance of these means, V with f
   degrees of freedom (`stages.stats.spread`), holds the subjects and a k-th of what is shared, and no part of the
   seed's own. s^2, the variance over the k values, holds the seed and all that is shared.
2. What is shared, h, is seen in the runs' departures from the clips' means: the mean of their k cluster variances,
   times k / (k - 1) for what the means took away.
3. The variance of the mean is V + max(s^2 - h, 0) / k, a sum of mean squares of random effects (Searle, Casella and
   McCulloch 1992, chapter 3). Degrees of freedom are Satterthwaite's (1946) of the sum, that of the second k - 1.
4. The interval is as without seeds: of a fraction Wilson's with the effective number of clips, mean * (1 - mean) over
   the variance; of a difference Student's, with the clips' differences of means, to which each side that learns adds
   its max(s^2 - h, 0) / k.

One training tells nothing of seeds: with k = 1 there is no interval. Seeds whose values all agree (s = 0) add nothing
of their own.
`bench/coverage_seeds.py` measures how often these intervals hold, and how often those of one run do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from stages.stats.design import Cells, Floats
from stages.stats.intervals import Interval, Level, difference, p_value, wilson
from stages.stats.spread import Spread, effective_clips, spread


class Seeds(NamedTuple):
    """What k trainings of one method gave, each (...)."""

    trained: int
    """k, the shipped training among them."""
    mean: Floats
    """Mean of the values."""
    variance: Floats
    """s^2 of the values, with k - 1 degrees of freedom; nan for one training."""
    shared: Floats
    """h: the part of one value's variance that subjects, clips and seeds share."""

    @classmethod
    def of(cls, values: ArrayLike, shared: ArrayLike = 0.0) -> Seeds:
        """Return the seeds of values (k, ...), those of k trainings, with h (...)."""
        found = np.asarray(values, dtype=np.float64)
        one = len(found) == 1
        variance = np.full(found.shape[1:], np.nan) if one else found.var(0, ddof=1)
        return cls(len(found), found.mean(0), variance, np.asarray(shared, dtype=np.float64))


def shared(departures: Sequence[Cells], weights: Floats) -> Floats:
    """Return h (...), from each of k runs' departures from the clips' means over runs; 0 for one run."""
    k = len(departures)
    found: Floats = np.array([np.nan_to_num(spread(cells, weights).variance) for cells in departures])
    return np.asarray(found.mean(0) * (k / max(k - 1, 1)))


def added(clusters: Spread, seeds: Sequence[Seeds]) -> Spread:
    """Return the spread of a number that rests on trainings: V of its clusters plus max(s^2 - h, 0) / k of each.

    Both are nan where the clusters' variance is, or where one of the trainings stands alone.
    """
    parts = [clusters.variance, *(np.maximum(one.variance - one.shared, 0) / one.trained for one in seeds)]
    freedoms: list[Floats | float] = [clusters.freedom, *(max(one.trained - 1.0, 1.0) for one in seeds)]
    total = np.asarray(sum(parts))
    shares = np.asarray(sum(part**2 / freedom for part, freedom in zip(parts, freedoms, strict=True)))
    freedom = np.divide(total**2, shares, out=np.full(total.shape, np.inf), where=shares > 0)
    return Spread(total, np.where(np.isnan(total), np.nan, freedom))


def aggregate(cells: Cells, weights: Floats, alike: Floats, seeds: Seeds, level: Level) -> Interval:
    """Return the interval of a fraction that is an aggregate over classes, (...); nan where it cannot be told.

    `cells`, `weights`, `alike` and `level` are as `intervals.aggregate` takes them; the cells' quantity is a clip's
    mean over the runs.
    """
    variance, freedom = spread(cells, weights)
    told, subjects = ~np.isnan(variance), cells.clips.shape[1]
    assumed = effective_clips(cells.clips, alike, level.assumed_icc)
    chance = seeds.mean * (1 - seeds.mean)
    clusters = Spread(
        np.where(told, variance, chance / assumed),
        np.where(told, freedom, subjects - 1 if subjects > 1 else np.nan),
    )
    total = added(clusters, [seeds])
    # Where all seeds are all right or all wrong nothing varies, and the effective clips are the assumed ones.
    effective = np.divide(chance, total.variance, out=np.full(total.variance.shape, assumed), where=total.variance != 0)
    freedom = np.where(total.variance == 0, clusters.freedom, total.freedom)
    return wilson(seeds.mean, effective, freedom, level.confidence)


class Contrast(NamedTuple):
    """A difference as Student's test sees it; None where it cannot be told."""

    low: float | None
    high: float | None
    p: float | None


def contrast(value: float, clusters: Spread, seeds: Sequence[Seeds], confidence: float) -> Contrast:
    """Return the interval and p value of a difference of two methods, of which those that learn have `seeds`.

    Args:
        value: the difference of the means over seeds; of a method that does not learn its one value.
        clusters: variance and degrees of freedom of the clips' paired differences of means over runs.
        seeds: of each side that learns.
        confidence: of the interval.
    """
    variance, freedom = (float(number) for number in added(clusters, seeds))
    if np.isnan(variance):
        return Contrast(None, None, None)
    if variance == 0:
        return Contrast(value, value, 1.0) if value == 0 else Contrast(None, None, None)
    low, high = difference(value, variance, freedom, confidence)
    return Contrast(float(low), float(high), p_value(value, variance, freedom))
