"""A linear classifier of what the tower sees, trained and tested under the same control."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from stages.controls.look import Floats
from stages.stats.design import Design
from stages.stats.intervals import Level, aggregate


def named(features: Floats, labels: Sequence[str], train: Sequence[bool]) -> list[str]:
    """Return the classes that ridge regression on the train clips names the others, in their order.

    Args:
        features: (N, D).
        labels: N classes.
        train: N, whether a clip is trained on.
    """
    from sklearn.linear_model import RidgeClassifier  # a second, which only this needs
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    learnt = np.asarray(train)
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=300))
    model.fit(features[learnt], np.asarray(labels)[learnt])
    return [str(name) for name in model.predict(features[~learnt])]


def mean_class_accuracy(
    named: Sequence[str], labels: Sequence[str], subjects: Sequence[str], level: Level
) -> dict[str, Any]:
    """Return mca with its interval, chance, and what they rest on."""
    design = Design.of(labels, subjects)
    right = np.asarray([one == other for one, other in zip(named, labels, strict=True)], np.float64)
    cells = design.cells(right)
    even = np.full(len(design.classes), 1 / len(design.classes))
    value = float(even @ (cells.total.sum(1) / cells.clips.sum(1)))
    interval = aggregate(value, cells, even, even, level)
    return {
        "mca": value,
        "low": float(interval.low),
        "high": float(interval.high),
        "chance": 1 / len(design.classes),
        "clips": len(labels),
        "subjects": len(design.subjects),
    }
