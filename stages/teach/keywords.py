"""What is told without a model: the class whose name is the longest that a text has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stages.text.keywords import has_word


def phrases(name: str) -> list[str]:
    """Return a class's name as a text may have it: `turn-on` as "turn on", `board:chopping` also as "chopping board".

    EPIC-KITCHENS-100 writes what a noun is before what kind of it.
    """
    parts = [part.replace("-", " ") for part in name.split(":")]
    return list(dict.fromkeys([" ".join(reversed(parts)), " ".join(parts)]))


def longest(texts: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return each text's class by its longest name in it, of equally long ones the first of the list; -1: none. (N,).

    A name counts as whole words, in simple inflections. It will not match a synonym, which most of a class are.
    """
    said = [(phrase, number) for number, name in enumerate(classes) for phrase in phrases(name)]
    ordered = sorted(said, key=lambda one: (-len(one[0]), one[1]))
    known: dict[str, int] = {}
    for text in dict.fromkeys(texts):
        known[text] = next((number for phrase, number in ordered if has_word(text, (phrase,))), -1)
    return np.array([known[text] for text in texts], np.int64)
