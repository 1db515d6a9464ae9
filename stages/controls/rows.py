"""Class scores to rows of controls.csv."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.stats.design import Design
from stages.stats.intervals import Level, aggregate


class Answered(NamedTuple):
    """What a model said of N clips."""

    labels: list[str]
    """True classes."""
    subjects: list[str]
    """Clusters of the interval."""
    scores: NDArray[np.float64]
    """(N, C)."""


def row(answered: Answered, classes: Sequence[str], among: Sequence[str], level: Level) -> dict[str, Any]:
    """Return mean class accuracy with its interval where the model chooses `among` some classes only.

    Args:
        answered: clips of the classes `among`.
        classes: C names, in the scores' order.
        among: the choice.
        level: of the interval.
    """
    places = [list(classes).index(name) for name in among]
    named = np.asarray(among, dtype=object)[answered.scores[:, places].argmax(1)]
    right = (named == np.asarray(answered.labels, dtype=object)).astype(np.float64)
    design = Design.of(answered.labels, answered.subjects)
    cells = design.cells(right)
    even = np.full(len(design.classes), 1 / len(design.classes))
    mca = float(even @ (cells.total.sum(1) / cells.clips.sum(1)))
    bounds = aggregate(mca, cells, even, even, level)
    told = not np.isnan(bounds.low)  # with one subject there is no interval
    return {
        "mca": mca,
        "low": float(bounds.low) if told else None,
        "high": float(bounds.high) if told else None,
        "chance": 1 / len(among),
        "clips": len(right),
    }
