"""The metrics by name. A new one is a file of this room and its line here; its order is that of tables and nulls."""

from __future__ import annotations

from collections.abc import Mapping

from stages.metrics import (
    action_1,
    action_5,
    answer,
    bertscore,
    grounded,
    judge,
    keyword,
    keyword_word,
    labels,
    listed,
    narration_similarity,
    nearest_class,
    noun_1,
    noun_5,
    prompted_class,
    similarity,
    truth_named,
    truth_similarity,
    verb_1,
    verb_5,
)
from stages.metrics.metric import Metric

MODULES = (
    keyword,
    keyword_word,
    similarity,
    bertscore,
    narration_similarity,
    nearest_class,
    prompted_class,
    answer,
    action_1,
    action_5,
    verb_1,
    verb_5,
    noun_1,
    noun_5,
    labels,
    judge,
    truth_similarity,
    truth_named,
    grounded,
    listed,
)

#: A table may hold others, of another version or made by hand: whoever reads one asks with `get`.
METRICS: Mapping[str, Metric] = {module.METRIC.name: module.METRIC for module in MODULES}


def headline(name: str, of_sets: bool) -> str:
    """Return the aggregate that is a metric's main number: mca, accuracy, or macro_f1 of one whose answers are sets."""
    if of_sets:
        return "macro_f1"
    return METRICS[name].headline if name in METRICS else "mca"


def sign(name: str) -> int:
    """Return what a metric's values are multiplied by so that higher ones are better: 1, or -1."""
    return METRICS[name].sign if name in METRICS else 1
