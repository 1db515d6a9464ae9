"""Metric `truth_named`: how much of what was rendered, verb and object, an answer names."""

from __future__ import annotations

from collections.abc import Iterable

from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric
from stages.metrics.texts import texts
from stages.metrics.truth import Truth
from stages.text.keywords import has_word


def truth_named(text: str, truth: Truth) -> float:
    """Return the share of the clip's verb and object that stand in `text` as whole words, in simple inflections.

    It will not match a synonym (`phone` for `telephone`), and it does match a word that the text denies.
    """
    words = truth.words
    return sum(has_word(text, [word]) for word in words) / len(words)


def rows(context: Context) -> Iterable[Row]:
    """Return the share of each clip's verb and object that the answer names."""
    voids: list[Row] = []
    for answer, text in texts(context, voids):
        yield Row(answer.clip_id, answer.repeat, truth_named(text, context.truth(answer.clip_id)))
    yield from voids


METRIC = Metric(
    name="truth_named",
    title="Names the truth",
    about="Verb and object of what was rendered stand in the answer.",
    rows=rows,
    threshold=0.5,
    of_references=True,
    needs_truth=True,
)
