"""Which keywords stand in a text: the paper's rule, shared by the metric `keyword` and the check of `caption`."""

from __future__ import annotations

from collections.abc import Iterable


def found(text: str, keywords: Iterable[str]) -> list[str]:
    """Return the keywords that stand anywhere in `text`, in their order, each once.

    The rule of "Vision Language Models for Dynamic Human Activity Recognition in Healthcare Settings" (section 4.1 and
    its published notebook): a substring, case as it is. So `eat` stands in `seated`, and `cook` not in `Cooking`.
    """
    return [keyword for keyword in dict.fromkeys(keywords) if keyword in text]
