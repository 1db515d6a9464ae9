"""Metric `labels`: the set of classes that a closed answer, a trained model or a head names by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric


class Set(NamedTuple):
    """The metric's value, the set that it names, and why it names none."""

    value: float | None
    labels: list[str] | None
    detail: str | None


def labels(named: Sequence[str] | None, status: str, detail: str | None) -> Set:
    """Return the set that a row of PREDICTIONS names in `labels`; an empty set is an answer: none of the classes.

    The value is 1 where it names a set. It is 0, with an empty set, where the model was asked and said nothing that
    could be read as one (`unmapped`, `unparsed`, refused): no class was named, and the clip is not right even where it
    has no label. It is null where there is no answer (missing, error), and for a method that names no classes. It will
    not tell how much of a set is right: F1, precision and recall of its scores do, class by class.
    """
    if status in ("missing", "error"):
        return Set(None, None, f"{status}: {detail}" if detail else status)
    if named is None and status == "ok":
        return Set(None, None, "the method names no classes")
    if named:
        return Set(1.0, sorted(set(named)), detail)
    if status == "ok":
        return Set(1.0, [], detail)
    return Set(0.0, [], f"{status}: {detail}" if detail else status)


def rows(context: Context) -> Iterable[Row]:
    """Return the set that each answer names, with its class scores; none of a method that only describes."""
    for one in context.answers if context.names_classes else ():
        if one.status != "missing":
            said = labels(one.labels, one.status, one.detail)
            named = said.labels is not None
            yield Row(
                one.clip_id,
                one.repeat,
                said.value,
                None,
                said.detail,
                said.labels,
                one.classes if named else None,
                one.class_scores if named else None,
            )


METRIC = Metric(
    name="labels",
    title="Named classes",
    about="The set of classes that the method names, class by class. A clip is right where the set is exactly its own.",
    rows=rows,
    names="set",
)
