"""What makes keyword lists usable, whatever their source."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from stages.base.errors import InputError

Lists = dict[str, list[str]]


def checked(value: Any, file: str | Path) -> Lists:
    """Return `value` as lists of keywords by class.

    Raises:
        InputError: it is no mapping from class to a list of texts, or a list is empty; names the class.
    """
    if not isinstance(value, dict) or not value:
        raise InputError("expected lists of keywords by class", file=file, do="write `class: [keyword, ...]`")
    for label, words in value.items():
        if not isinstance(label, str) or not isinstance(words, list):
            raise InputError("expected a list of keywords", file=file, key=label, do="write `class: [keyword, ...]`")
        if not words:
            raise InputError("this class has no keywords", file=file, key=label, do="give it at least one")
        for row, word in enumerate(words):
            if not isinstance(word, str) or not word.strip():
                raise InputError(
                    f"no keyword: {word!r}", file=file, row=row, key=label, do="write a text (YAML: in quotes)"
                )
    return value


def of_classes(lists: Lists, classes: Collection[str], file: str | Path) -> Lists:
    """Return the lists of the classes that a data set has, in their order.

    Raises:
        InputError: a class has none; names all such classes.
    """
    without = sorted(set(classes) - lists.keys())
    if without:
        raise InputError(
            f"{len(without)} classes of the data set have no keywords: {', '.join(without)}",
            file=file,
            do="add a list for each of them",
        )
    return {label: lists[label] for label in classes}


def warnings(lists: Mapping[str, list[str]], shared_by: int) -> list[str]:
    """Return what is doubtful: a keyword twice in a list, and one that `shared_by` classes or more have; in any case
    of letters.
    """
    found = []
    having = defaultdict(list)
    for label, words in sorted(lists.items()):
        for word, times in Counter(word.lower() for word in words).items():
            having[word].append(label)
            if times > 1:
                found.append(f"{label}: {word!r} stands {times} times in its list")
    for word, labels in sorted(having.items()):
        if len(labels) >= shared_by:
            found.append(f"{word!r} is a keyword of {len(labels)} classes: {', '.join(labels)}")
    return found
