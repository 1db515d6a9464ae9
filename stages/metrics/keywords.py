"""What the metrics share that look for keywords in a text, each by a rule of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from stages.metrics.candidates import Candidates, Choice
from stages.metrics.context import Context, Row
from stages.metrics.texts import texts

Floats = NDArray[np.float64]

#: Whether (truthy) a text holds one of some keywords.
Rule = Callable[[str, Sequence[str]], object]


def rows(scorer: Callable[[str, Sequence[str]], float]) -> Callable[[Context], Iterable[Row]]:
    """Return how a metric is measured that asks whether a text holds a keyword of the clip's class."""

    def measured(context: Context) -> Iterable[Row]:
        voids: list[Row] = []
        for name in context.classes:
            context.keywords(name)  # a class that has none is an error, whichever classes the answers are about
        for answer, text in texts(context, voids):
            # A clip with several labels must be told with a keyword of each.
            values = [scorer(text, context.keywords(name)) for name in context.labels[answer.clip_id]]
            value, why = (min(values), None) if values else (None, "the clip has no label")
            yield Row(answer.clip_id, answer.repeat, value, detail=why)
        yield from voids

    return measured


def choice(rule: Rule) -> Callable[[Candidates], Choice]:
    """Return what chooses the caption with a keyword of the most classes: the metric's own mean over the classes."""

    def constant(candidates: Candidates) -> Choice:
        lists = [candidates.keywords[name] for name in candidates.classes]
        best, hits = most_classes(candidates.texts, lists, rule, candidates.cosine)
        return Choice(best, f"a keyword of {hits} of {len(lists)} classes")

    return constant


def most_classes(
    texts: Sequence[str], lists: Sequence[Sequence[str]], rule: Rule, cosine: NDArray[np.float64]
) -> tuple[int, int]:
    """Return the index of the text that holds a keyword of the most classes, and of how many; of equals the nearest.

    Only texts that can still win are read by the rule: either rule finds a keyword only where the stem of its first
    word, which all its inflections share, is in the text.

    Args:
        texts: (N,) candidates.
        lists: (C,) the keywords of each class.
        rule: whether (truthy) a text holds one of some keywords.
        cosine: (N,) how near each text is.
    """
    stems = [{(word.split() or [""])[0][:-1].lower() for word in words} for words in lists]
    bounds = {text: sum(any(stem in text.lower() for stem in of_class) for of_class in stems) for text in set(texts)}
    best, most, known = -1, -1, dict[str, int]()
    for index in sorted(range(len(texts)), key=lambda index: (-bounds[texts[index]], -cosine[index], index)):
        text = texts[index]
        if bounds[text] < most:
            break
        if text not in known:
            known[text] = sum(bool(rule(text, words)) for words in lists)
        if (known[text], cosine[index]) > (most, cosine[best]):
            best, most = index, known[text]
    return best, most
