"""Metric `narration_similarity`: cosine of the sentence embeddings of an answer and the clip's narration.

"OV-HHIR" (Ray et al.), Table II, where the narration is the descriptive label of the clip's class; which encoder the
paper takes is open. It is `similarity` with another reference: what the data set says that the clip shows, not a
caption that a model wrote. It will not tell whether the interaction is right (section III.B of the paper says so): a
true sentence in other words is far from the narration, and a false one in the same words near.
"""

from __future__ import annotations

from collections.abc import Iterable

from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric
from stages.metrics.similarity import cosine_rows
from stages.metrics.texts import NO_NARRATION, texts


def rows(context: Context) -> Iterable[Row]:
    """Return the cosine of each answer with its clip's narration."""
    found: list[Row] = []
    said = list(texts(context, found, context.narrations, NO_NARRATION))
    return [*found, *cosine_rows(context, said, [context.narrations[answer.clip_id] for answer, _ in said])]


METRIC = Metric(
    name="narration_similarity",
    title="Similarity to narration",
    about="Cosine of the answer and what the data set says that the clip shows.",
    rows=rows,
    threshold=0.5,
    averaged=True,
)
