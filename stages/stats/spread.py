"""Variance of a weighted mean of class means, from clips that hang together by subject, where subjects are few.

The aggregate is sum_c a_c m_c, with m_c the mean of a clip's quantity over the clips of class c: mean class accuracy
has a_c = 1/C, accuracy n_c/n; macro-F1 comes in by its influence values. What each subject recorded is taken as given.

1. A subject's score is its clips' share in the deviation, g_s = sum_c a_c (n_cs / n_c)(m_cs - m_c). The sum of g_s^2 is
   the cluster-robust variance (Liang and Zeger 1986); with few, unequal subjects it is much too small, and a class
   that one subject alone recorded adds nothing to it.
2. As in Bell and McCaffrey (2002) the bias is removed under a working model, here one with random effects: variance v_c
   of a clip within class c, intraclass correlation `icc` of two clips of the same subject and class (pooled over the
   classes by analysis of variance), of which `common` is shared by all classes of a subject. The robust variance is
   multiplied by (the model's variance of the aggregate) / (the model's expectation of the robust variance). A class
   with a single subject thus gets the variance that the other classes suggest.
3. The degrees of freedom are Satterthwaite's under the same model.

The model sets only a factor and the degrees of freedom; the size comes from the subjects. `bench/coverage.py` measures
how often the intervals hold on real class-by-subject tables.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stages.stats.design import Cells, Floats

#: With more subjects than this the bias is negligible, and S x S matrices become dear.
MANY = 200

#: As many clips of average variance are added to each class, so that a class of few clips is not taken for sure.
PRIOR = 2.0

TINY = 1e-18


class Spread(NamedTuple):
    """Variance of an aggregate and the degrees of freedom of that variance, each (...).

    Both are nan where no variance can be told: no class varies, or each class has one subject.
    """

    variance: Floats
    freedom: Floats


#: Of a difference to which no clip contributes.
NO_VARIANCE = Spread(np.asarray(0.0), np.asarray(1.0))


def spread(cells: Cells, weights: Floats) -> Spread:
    """Return the variance of sum_c weights_c * (mean of class c); `weights` is (C,), cells may have leading axes."""
    share = cells.clips / cells.clips.sum(1, keepdims=True)  # (C, S)
    gaps = weights[:, None] * share * _deviations(cells)  # (..., C, S)
    if cells.clips.shape[1] > MANY:
        return _many(gaps, share)
    within = class_variance(cells)
    within = (within * cells.clips.sum(1) + PRIOR * within.mean(-1, keepdims=True)) / (cells.clips.sum(1) + PRIOR)
    icc = np.nan_to_num(pooled_icc(cells))[..., None, None]
    robust = (gaps.sum(-2) ** 2).sum(-1)

    # Scores are sum_c maps_c @ (cell means of class c); a cell mean's variance is `noise`.
    maps = weights[:, None, None] * share[:, :, None] * (np.eye(share.shape[1]) - share[:, None, :])  # (C, S, S)
    noise = np.where(cells.clips > 0, within[..., None] * (icc + (1 - icc) / np.maximum(cells.clips, 1)), 0.0)
    scores = _covariance(maps, noise)  # (..., S, S)
    loads = weights[:, None] * share  # (C, S)
    variance = (loads**2 * noise).sum((-1, -2))

    # What all classes of a subject share, estimated from products between classes.
    together = np.einsum("cst,...c->...st", maps, np.sqrt(within))
    shared = together @ together.swapaxes(-1, -2) - np.einsum("csu,...c->...su", maps @ maps.swapaxes(1, 2), within)
    between, trace = robust - (gaps**2).sum((-1, -2)), np.trace(shared, axis1=-2, axis2=-1)
    # Where classes hardly share a subject there is nothing to estimate it from, and rounding must not look like it.
    enough = trace > np.maximum(TINY, 1e-9 * np.trace(together @ together.swapaxes(-1, -2), axis1=-2, axis2=-1))
    common = np.clip(np.divide(between, trace, out=np.zeros_like(robust), where=enough), 0, icc[..., 0, 0])
    summed = np.einsum("cs,...c->...s", loads, np.sqrt(within))
    variance = variance + common * ((summed**2).sum(-1) - np.einsum("cs,...c->...", loads**2, within))
    scores = scores + common[..., None, None] * shared

    expected = np.trace(scores, axis1=-2, axis2=-1)
    told = (expected > TINY) & (robust > TINY)
    safe = np.where(told, expected, 1.0)
    freedom = safe**2 / np.where(told, (scores**2).sum((-1, -2)), 1.0)
    return Spread(np.where(told, robust * variance / safe, np.nan), np.where(told, freedom, np.nan))


def class_variance(cells: Cells) -> Floats:
    """Return the variance of a clip within each class, (..., C); 0 for a class of one clip."""
    clips = cells.clips.sum(1)
    squares = cells.square - cells.total.sum(-1) ** 2 / clips
    # A class whose clips are all equal must come out as 0, not as what rounding leaves.
    squares = np.where(squares > 1e-10 * cells.square, squares, 0.0)
    variance: Floats = squares / np.maximum(clips - 1, 1)
    return variance


def pooled_icc(cells: Cells) -> Floats:
    """Return the correlation of two clips of one subject and class, (...), by one-way analysis of variance.

    Pooled over the classes, each in units of its own variance, bounded to 0..1; nan where no class that varies has
    two subjects.
    """
    variance = class_variance(cells)
    varies = variance > 0
    clips = cells.clips.sum(1)
    between = (cells.clips * _deviations(cells) ** 2).sum(-1)
    ratio = np.divide(between, variance, out=np.zeros_like(variance), where=varies).sum(-1)
    freedom = (varies * ((cells.clips > 0).sum(1) - 1)).sum(-1)
    size = (varies * (clips - (cells.clips**2).sum(1) / clips)).sum(-1) - freedom
    icc: Floats = np.divide(ratio - freedom, size, out=np.full(ratio.shape, np.nan), where=size > 0)
    return icc.clip(0.0, 1.0)


def effective_clips(count: Floats, weights: Floats, icc: float) -> float:
    """Return how many independent clips would tell the aggregate as well as these, if all classes vary alike.

    `count` is (C, S), `weights` (C,); `icc` is the correlation of two clips of the same subject and class.
    """
    clips = count.sum(1)
    share = (count / clips[:, None]) ** 2
    variance = (weights**2 * (icc * share.sum(1) + (1 - icc) / clips)).sum()
    return float(weights.sum() ** 2 / variance)


def _deviations(cells: Cells) -> Floats:
    """Return cell mean minus class mean, (..., C, S); 0 in an empty cell."""
    mean = cells.total.sum(-1, keepdims=True) / cells.clips.sum(1, keepdims=True)
    return np.where(cells.clips > 0, cells.total / np.maximum(cells.clips, 1) - mean, 0.0)


def _covariance(maps: Floats, noise: Floats) -> Floats:
    """Return sum_c maps_c diag(noise_c) maps_c^T, (..., S, S)."""
    covariance: Floats = np.einsum("...cst,cut->...su", maps * noise[..., None, :], maps, optimize=True)
    return covariance


def _many(gaps: Floats, share: Floats) -> Spread:
    """Return the spread for many subjects: the robust variance with the leverage of each cell taken out (HC2)."""
    scores = (gaps / np.sqrt(np.where(share < 1, 1 - share, 1.0))).sum(-2)
    robust = (scores**2).sum(-1)
    told = robust > TINY
    return Spread(np.where(told, robust, np.nan), np.where(told, share.shape[1] - 1.0, np.nan))
