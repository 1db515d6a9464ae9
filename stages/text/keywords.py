"""Which keywords stand in a text as whole words; the paper's rule, substrings, is in `stages/vlm/constraint.py`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

_VOWELS = "aeiou"


def has_word(text: str, keywords: Sequence[str]) -> bool:
    """Return whether any keyword stands in `text` as whole words, in any case and simple inflections (`forms`)."""
    return bool(_pattern(tuple(keywords)).search(text))


def forms(word: str) -> list[str]:
    """Return a word, in lower case, and its simple inflections."""
    word = word.lower()
    if not word[-1].isalpha():
        return [word]
    if word.endswith("e"):
        return [word, word + "s", word + "d", word[:-1] + "ing"]
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        return [word, word[:-1] + "ies", word[:-1] + "ied", word + "ing"]
    found = [word, *(word + ending for ending in ("s", "es", "ed", "ing"))]
    if len(word) > 2 and word[-1] not in _VOWELS + "wxy" and word[-2] in _VOWELS and word[-3] not in _VOWELS:
        found += [word + word[-1] + ending for ending in ("ed", "ing")]
    return found


@lru_cache(maxsize=4096)
def _pattern(keywords: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches any form of any keyword, with no letter, digit or underscore on either side."""
    phrases = [
        r"\s+".join(f"(?:{'|'.join(map(re.escape, forms(word)))})" for word in keyword.split())
        for keyword in keywords
        if keyword.split()
    ]
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases) or '(?!)'})(?!\w)", re.IGNORECASE)
