"""What metrics of compositional labels share: is a clip's verb, noun or both among the best of an answer's scores."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal

from stages.base.errors import InputError
from stages.metrics.context import Answer, Context, Row
from stages.metrics.metric import Metric
from stages.metrics.ranks import hits

Head = Literal["verb", "noun", "action"]


def measured(head: Head, best: int) -> Callable[[Context], Iterable[Row]]:
    """Return how a metric is measured: 1 where the clip's verb (noun, both) is among the `best` first, else 0.

    An answer that scores verbs and nouns is ranked by these, an action by their product among all pairs. One that only
    names a class is right at best 1 where that class has the clip's verb (noun, both); a set of several classes, and
    any at best 5, have no value.
    """

    def rows(context: Context) -> Iterable[Row]:
        if not context.names_classes:
            return
        pairs = {one.name: (one.verb, one.noun) for one in context.class_list.classes}
        for answer in context.answers:
            if answer.status == "missing":
                continue
            wanted = _pair(context, answer.clip_id)
            if answer.verbs and answer.nouns and answer.verb_scores and answer.noun_scores:
                scored = hits(*wanted, answer.verbs, answer.verb_scores, answer.nouns, answer.noun_scores)
                yield Row(answer.clip_id, answer.repeat, scored[f"{head}@{best}"])
            else:
                yield _named(answer, pairs, wanted, head, best)

    return rows


def metric(name: str, head: Head, best: int) -> Metric:
    """Return all about one of these metrics."""
    what = {"verb": "verb", "noun": "noun", "action": "verb and noun, both,"}[head]
    among = "the answer's likeliest" if best == 1 else f"among the answer's {best} likeliest"
    return Metric(
        name=name,
        title=f"{head.capitalize()}, Acc@{best}",
        about=f"The clip's {what} {'are' if head == 'action' else 'is'} {among}.",
        rows=measured(head, best),
        threshold=0.5,
        headline="accuracy",  # what EPIC-KITCHENS and Something-Something report
    )


def _pair(context: Context, clip_id: str) -> tuple[str, str]:
    verb, noun = context.pairs[clip_id]
    if not verb or not noun:
        raise InputError(
            "the clip has no verb or no noun",
            file=context.run.manifest,
            row=clip_id,
            do="take verb_1, noun_1, action_1 and their like out of `measure.metrics`: labels here are not made of two",
        )
    return verb, noun


def _named(
    answer: Answer, pairs: dict[str, tuple[str | None, str | None]], wanted: tuple[str, str], head: Head, best: int
) -> Row:
    if answer.status == "error":
        return Row(answer.clip_id, answer.repeat, None, detail=f"error: {answer.detail}")
    if best > 1:
        return Row(answer.clip_id, answer.repeat, None, detail="the answer scores no verbs and nouns")
    labels = answer.labels or []
    if len(labels) > 1:
        return Row(answer.clip_id, answer.repeat, None, detail=f"names {len(labels)} classes")
    verb, noun = pairs.get(labels[0], (None, None)) if labels else (None, None)
    said = {"verb": verb == wanted[0], "noun": noun == wanted[1], "action": (verb, noun) == wanted}
    return Row(answer.clip_id, answer.repeat, float(said[head]))
