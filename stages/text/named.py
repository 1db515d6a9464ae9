"""From what a model said to the classes that it named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_BETWEEN = re.compile(r"[,;\n]+")
_NUMBERING = re.compile(r"^(?:\d+ )+")


class Named(NamedTuple):
    """The classes that an answer names, in its order and each once, and its parts that name none, as they stand."""

    labels: list[str]
    unmapped: list[str]


def classes_named(text: str, words: Mapping[str, str], cut: bool = False) -> Named:
    """Return the classes named in an answer to a question that listed them.

    The answer is cut at commas, semicolons and new lines. A part names the classes whose words (or whose own name)
    stand in it whole, in any case, whatever the punctuation; where two overlap the longer counts, so that `use laptop`
    is not also `laptop`. It will not match inflections or synonyms (`drinks` for `drink`): such a part is unmapped.
    `none` by itself names no class and is mapped. Negation is not understood.

    Args:
        text: the answer.
        words: class -> how the question called it.
        cut: the text was cut: a class at its very end is not taken where another class begins with the same words.
    """
    forms = {_plain(form): name for name, said in words.items() for form in (name, said)}
    pattern = re.compile(r"\b(?:" + "|".join(sorted(map(re.escape, forms), key=len, reverse=True)) + r")\b")
    labels: dict[str, None] = {}
    unmapped = []
    parts = _BETWEEN.split(text)
    for place, part in enumerate(parts):
        plain = _NUMBERING.sub("", _plain(part))
        found = list(pattern.finditer(plain))
        if cut and place == len(parts) - 1 and found and part[-1:].isalnum() and found[-1].end() == len(plain):
            last = found[-1][0]
            if any(form.startswith(last) and name != forms[last] for form, name in forms.items()):
                found.pop()
        labels.update(dict.fromkeys(forms[match[0]] for match in found))
        if not found and plain and plain != "none":
            unmapped.append(part.strip())
    return Named(list(labels), unmapped)


def _plain(text: str) -> str:
    """Return `text` in lower case, each run of anything but letters and digits as one space."""
    return " ".join(re.sub(r"[\W_]+", " ", text.casefold()).split())
