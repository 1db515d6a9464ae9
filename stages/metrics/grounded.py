"""Metric `grounded`: hallucination in a caption. 1 where it names nothing that the clip does not hold.

Where answers are sets of labels, the scores of metric `labels` tell it instead: `invented`, `outside`, `violations`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric
from stages.metrics.texts import texts
from stages.metrics.truth import foreign
from stages.text.keywords import has_word
from stages.vlm.constraint import found


def grounded_in_truth(text: str, foreign: Sequence[str]) -> tuple[float, str | None]:
    """Return 0, and which, where a caption names a verb or an object that the clip does not hold; else 1.

    It will not catch a synonym or a thing that no clip of the data set holds (there is no list of what does not exist),
    a wrong place, person or colour, or a wrong relation of right words; it does take a denied word for a named one. A
    caption that names nothing invents nothing: it is no measure of recognition, so see it next to `truth_named`.

    Args:
        text: the caption.
        foreign: verbs and objects of the data set that the clip does not have.
    """
    named = [word for word in foreign if has_word(text, [word])] if has_word(text, foreign) else []
    return float(not named), f"names {', '.join(named)}" if named else None


def grounded_in_keywords(text: str, own: Sequence[str], others: Sequence[str]) -> tuple[float, str | None]:
    """Return 0, and which, where a caption holds a keyword of another class and none of its own; else 1.

    Keywords are the paper's substrings (`stages.text.keywords.found`). It will not catch an activity named besides the
    right one, anything without a keyword, nor a thing that shares the right class's words; and it takes a thing that is
    there but not used (a cup on the table) for an invention where the right activity is not named. A caption without
    any keyword, and one with all of them, invent nothing: the null models next to it say how much that is worth.
    """
    if any(word in text for word in own):
        return 1.0, None
    named = found(text, others)
    return float(not named), f"of other classes only: {', '.join(named[:3])}" if named else None


def rows(context: Context) -> Iterable[Row]:
    """Return 1 or 0 of each caption, by what was rendered where that is known, else by the keywords of the classes."""
    voids: list[Row] = []
    known: dict[tuple[str, ...], tuple[list[str], list[str]]] = {}
    for answer, text in texts(context, voids):
        if context.truths is not None:
            held = foreign(context.truth(answer.clip_id), context.vocabulary)
            value, detail = grounded_in_truth(text, held)
        else:
            labels = tuple(context.labels[answer.clip_id])
            if labels not in known:
                own = [word for name in labels for word in context.keywords(name)]
                every = {word: None for name in context.classes for word in context.keywords(name)}
                known[labels] = own, [word for word in every if word not in own]
            value, detail = grounded_in_keywords(text, *known[labels])
        yield Row(answer.clip_id, answer.repeat, value, detail=detail)
    yield from voids


METRIC = Metric(
    name="grounded",
    title="Nothing invented",
    about="The answer names no activity or thing that the clip does not hold.",
    rows=rows,
    threshold=0.5,
    of_references=True,
)
