"""Metric `answer`: the class that a closed answer, a trained model or a head names by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric


class Named(NamedTuple):
    """The metric's value, the class that it names, and why it names none."""

    value: float | None
    label: str | None
    detail: str | None


def answer(labels: Sequence[str] | None, status: str, detail: str | None) -> Named:
    """Return the class that a row of PREDICTIONS names in `labels`.

    The value is 1 where it names one class. It is 0, without a class, where the model was asked and named none: in
    words that fit no class (`unmapped`), in none that could be read (`unparsed`), outright, or by refusing; such an
    answer is wrong, not left out. It is null where there is no answer (missing, error), and for a set of several
    labels, of which no single class is the answer. It will not tell a near miss from a far one, nor look at what else
    the answer says.
    """
    if status in ("missing", "error"):
        return Named(None, None, f"{status}: {detail}" if detail else status)
    if labels is None and status == "ok":
        return Named(None, None, "the method names no class")
    if labels is not None and len(labels) > 1:
        return Named(None, None, f"names {len(labels)} classes")
    if labels:
        return Named(1.0, labels[0], detail)
    return Named(0.0, None, f"{status}: {detail}" if detail else "names no class" if status == "ok" else status)


def rows(context: Context) -> Iterable[Row]:
    """Return the class that each answer names; none of a method that only describes, for it names none in any."""
    for one in context.answers if context.names_classes else ():
        if one.status != "missing":
            yield Row(one.clip_id, one.repeat, *answer(one.labels, one.status, one.detail))


METRIC = Metric(
    name="answer",
    title="Named class",
    about="The class that the method itself names is the clip's class.",
    rows=rows,
    names="class",
)
