"""Metric `keyword`: the paper's. 1 where the text holds a keyword of the clip's class, else 0."""

from __future__ import annotations

from collections.abc import Sequence

from stages.metrics.keywords import choice, rows
from stages.metrics.metric import Metric
from stages.vlm.constraint import found


def keyword(text: str, keywords: Sequence[str]) -> float:
    """Return 1 where any keyword stands anywhere in `text` as a substring, case as it is; else 0.

    "Vision Language Models for Dynamic Human Activity Recognition in Healthcare Settings", section 4.1 and its
    published notebook. It will not match a keyword in other case (`Cooking` for `cooking`), in another inflection than
    its own (`drank` for `drink`), or a synonym that the list lacks; and it does match inside of words (`eat` in
    `seated`) and a keyword that the text denies.
    """
    return float(bool(found(text, keywords)))


METRIC = Metric(
    name="keyword",
    title="Keyword",
    about="A keyword of the clip's class stands anywhere in the answer, case as it is.",
    rows=rows(keyword),
    threshold=0.5,
    constant=choice(keyword),
)
