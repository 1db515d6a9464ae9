"""Holm's correction for several comparisons."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stages.stats.design import Floats


def holm(p_values: ArrayLike) -> Floats:
    """Return the adjusted p values of one family, (n,), in the given order (Holm 1979).

    A difference is significant at level a, over the whole family, where its adjusted p value is at most a.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted
