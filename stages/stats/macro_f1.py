"""Macro-F1 of named classes, and what each clip contributes to its deviation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stages.stats.design import Floats, Ints


class MacroF1(NamedTuple):
    """Mean over the classes of the harmonic mean of precision and recall, and its influence values."""

    value: float
    influence: Floats
    """(N,): derivative of the value by each clip's weight."""


def macro_f1(of_class: Ints, named: Ints, classes: int) -> MacroF1:
    """Return macro-F1 over the classes that have clips (scikit-learn's `f1_score` over those `labels`).

    A clip that names no class, or one without test clips, is wrong and nobody's false positive.

    Args:
        of_class: (N,) index of the clip's class.
        named: (N,) index of the class that was named, negative for none.
        classes: how many classes there are, each with at least one clip.
    """
    actual = np.bincount(of_class, minlength=classes)
    predicted = np.bincount(named[named >= 0], minlength=classes)
    hit = named == of_class
    both = actual + predicted
    f1 = 2 * np.bincount(of_class[hit], minlength=classes) / both
    pull = f1 / both
    influence = 2 * hit / both[of_class] - pull[of_class] - np.where(named >= 0, pull[named], 0.0)
    return MacroF1(float(f1.mean()), influence / classes)
