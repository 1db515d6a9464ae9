"""What it means that an answer holds a word (`Request.must_hold`)."""

from __future__ import annotations

import re
from collections.abc import Sequence


def holds(text: str, words: Sequence[str]) -> list[str]:
    """Return those of `words` that stand in `text` as whole words or phrases, case as it is.

    Will not match an inflected form, nor a word inside another (sit in sitting). It is stricter than the paper's rule
    for keywords (`text/keywords.py`): a text that passes here passes there.
    """
    return [word for word in words if pattern(word).search(text)]


def pattern(word: str) -> re.Pattern[str]:
    """Return what finds a word or phrase that is not part of a longer word."""
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
