"""Answers to rows of controls.csv."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from stages.stats.design import Design
from stages.stats.intervals import Level, aggregate


class Answer(NamedTuple):
    """What a method named a clip."""

    named: str
    label: str
    """Its true class."""
    subject: str
    """Its cluster of the interval."""


def row(answers: Sequence[Answer], choices: int, level: Level) -> dict[str, Any]:
    """Return mean class accuracy with its interval, chance of so many choices, and what they rest on."""
    design = Design.of([answer.label for answer in answers], [answer.subject for answer in answers])
    cells = design.cells(np.asarray([answer.named == answer.label for answer in answers], np.float64))
    even = np.full(len(design.classes), 1 / len(design.classes))
    mca = float(even @ (cells.total.sum(1) / cells.clips.sum(1)))
    bounds = aggregate(mca, cells, even, even, level)
    told = not np.isnan(bounds.low)  # with one subject there is no interval
    return {
        "mca": mca,
        "low": float(bounds.low) if told else None,
        "high": float(bounds.high) if told else None,
        "chance": 1 / choices,
        "clips": len(answers),
        "subjects": len(design.subjects),
    }
