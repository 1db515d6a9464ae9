"""Metric `similarity`: cosine of the sentence embeddings of prediction and reference caption."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from stages.metrics.context import Answer, Context, Row
from stages.metrics.metric import Metric
from stages.metrics.texts import texts
from stages.text.vectors import cosines

#: Pairs of vectors compared at once.
_WINDOW = 8192


def similarity(predictions: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosine of each prediction (N, D) with its reference (N, D); (N,), in -1 to 1.

    "Vision Language Models for Dynamic Human Activity Recognition in Healthcare Settings", section 4.1, with
    all-MiniLM-L6-v2. It will not tell whether the activity is right: texts about the same room and person are near
    whatever is done there, and what lies beyond the encoder's longest input (256 word pieces) is not seen.
    """
    return cosines(predictions, references)


def cosine_rows(context: Context, said: Sequence[tuple[Answer, str]], told: Sequence[str]) -> Iterator[Row]:
    """Yield the cosine of each answer's text with the text in the same place of `told`, whatever that says."""
    answers = context.sentences.rows([text for _, text in said])
    references = context.sentences.rows(told)
    vectors = context.sentences.vectors
    for start in range(0, len(said), _WINDOW):
        part = slice(start, start + _WINDOW)
        values = similarity(vectors[answers[part]], vectors[references[part]])
        for (answer, _), value in zip(said[part], values, strict=True):
            yield Row(answer.clip_id, answer.repeat, float(value))


def rows(context: Context) -> Iterable[Row]:
    """Return the cosine of each answer with its clip's reference caption."""
    found: list[Row] = []
    said = list(texts(context, found, references=context.references))
    return [*found, *cosine_rows(context, said, [context.references[answer.clip_id] for answer, _ in said])]


METRIC = Metric(
    name="similarity",
    title="Similarity",
    about="Cosine of the sentence embeddings of answer and reference caption.",
    rows=rows,
    threshold=0.5,
    to_reference=True,
)
