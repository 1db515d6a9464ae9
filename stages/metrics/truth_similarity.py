"""Metric `truth_similarity`: cosine of the sentence embeddings of an answer and a caption made from the truth.

It is `similarity` with another reference: it will not tell either whether the activity is right, for texts about the
same room and person are near whatever is done there.
"""

from __future__ import annotations

from collections.abc import Iterable

from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric
from stages.metrics.similarity import cosine_rows
from stages.metrics.texts import texts
from stages.metrics.truth import template


def rows(context: Context) -> Iterable[Row]:
    """Return the cosine of each answer with what was rendered, told by a template."""
    found: list[Row] = []
    said = list(texts(context, found))
    return [*found, *cosine_rows(context, said, [template(context.truth(answer.clip_id)) for answer, _ in said])]


METRIC = Metric(
    name="truth_similarity",
    title="Similarity to truth",
    about="Cosine of the answer and a caption made from what was rendered.",
    rows=rows,
    threshold=0.5,
    of_references=True,
    needs_truth=True,
)
