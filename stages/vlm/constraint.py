"""Which words stand in a text: the paper's rule for keywords, and what it means that an answer holds one of them."""

from __future__ import annotations

import re
from collections.abc import Iterable


def found(text: str, words: Iterable[str]) -> list[str]:
    """Return those of `words` that stand anywhere in `text`, in their order, each once.

    The rule of "Vision Language Models for Dynamic Human Activity Recognition in Healthcare Settings" (section 4.1 and
    its published notebook): a substring, case as it is. So `eat` stands in `seated`, and `cook` not in `Cooking`. It is
    the one rule of the metric `keyword`, of the check of `caption` and of `Request.must_hold`.
    """
    return [word for word in dict.fromkeys(words) if word in text]


def pattern(words: Iterable[str]) -> str:
    """Return the regular expression of a whole answer in which one of `words` is found, for a server that takes one."""
    return rf"(.|\n)*({'|'.join(re.escape(word) for word in words)})(.|\n)*"
