"""Macro-F1 of metrics that name one class, from the classes that verdicts and other trainings keep.

A clip's class is its place in `Inputs.classes`, or one of the two below.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from stages.stats.design import Cells, Design, Floats, Ints, Mask
from stages.stats.label_sets import Numbers
from stages.stats.macro_f1 import macro_f1 as of_one

#: No class was named, or one that no clip has.
NO_CLASS = -1
LEFT_OUT = -2


def tell_all(actual: pl.Expr) -> pl.Expr:
    """Return whether verdicts tell all that was named: one draw a clip, from whose class follows whether it is right.

    Of repeated draws a verdict has the first one's class, and a metric with a threshold names none.

    Args:
        actual: the class that each row's clip is of.
    """
    is_right = pl.col("label").cast(pl.String).eq_missing(actual) & pl.col("label").is_not_null()
    follows = pl.col("right").is_null() | (pl.col("right") == is_right)
    return (follows & (pl.col("repeats") <= 1)).all()


def known(named: Ints) -> Mask:
    """Return which of N clips none of k trainings left out, (N,); `named` is (k, N)."""
    answered: Mask = (named != LEFT_OUT).all(0)
    return answered


def macro_f1(design: Design, classes: Sequence[str], named: Ints) -> Numbers:
    """Return the mean of k trainings' macro-F1, a number of one class, as `score` defines it.

    Args:
        design: N clips that none of them left out.
        classes: that `named` has the places of, sorted; more than the design's.
        named: (k, N).
    """
    # A class without a clip here counts as none; the last two places are those of `NO_CLASS` and `LEFT_OUT`.
    place = np.full(len(classes) + 2, -1)
    place[np.searchsorted(classes, design.classes)] = np.arange(len(design.classes))
    found = [of_one(design.of_class, place[one], len(design.classes)) for one in named]
    return Numbers(np.mean([[one.value] for one in found], 0), np.mean([one.influence for one in found], 0)[:, None])


def cells(design: Design, influence: Floats) -> Cells:
    """Return what `spread` takes, with a weight of 1 a class, of the influence values (N,) of such a number."""
    return design.cells(influence * design.clips[design.of_class])
