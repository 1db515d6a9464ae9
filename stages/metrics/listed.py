"""Metric `listed`: hallucination in a closed answer. 1 where it names nothing outside of the list of classes."""

from __future__ import annotations

from collections.abc import Iterable

from stages.base.schema import UNLISTED
from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric


def listed(detail: str | None) -> tuple[float, str | None]:
    """Return 0, and the detail, where a closed answer names something that was not on the list of classes; else 1.

    It is what `infer` could map to no class of a comma-separated answer. It will not catch a wrong class of the list
    (that is metric `answer`), nor words around a class within one part ("maybe walking, in a garden" is two parts,
    "walking in a garden" one); a whole sentence instead of a label counts as one invented label. Yes/no questions a
    class leave nothing to invent: their value is 1.
    """
    outside = bool(detail and UNLISTED in detail)
    return float(not outside), detail if outside else None


def rows(context: Context) -> Iterable[Row]:
    """Return 1 or 0 of each closed answer that was given in words."""
    for one in context.answers:
        if one.labels is not None and one.text is not None:
            value, detail = listed(one.detail)
            yield Row(one.clip_id, one.repeat, value, detail=detail)


METRIC = Metric(
    name="listed",
    title="On the list",
    about="The closed answer names nothing outside of the list of classes.",
    rows=rows,
    threshold=0.5,
)
