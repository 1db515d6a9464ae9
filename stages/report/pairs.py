"""Which pairs of a verb and a noun training had: a matrix, for data sets whose labels are made of the two."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import polars as pl

from stages.report.inputs import Inputs

#: Most verbs, and most nouns, that are shown: those of the most clips.
MOST = 40


class Pair(NamedTuple):
    """A cell of the matrix."""

    train: int
    """Clips that train."""
    test: int
    """Clips that test."""
    share: int
    """How dark it is, percent: the train clips next to those of the commonest pair, on a square root's scale."""


class Pairs(NamedTuple):
    """The matrix; rows and columns in the order of the class list."""

    verbs: list[str]
    nouns: list[str]
    rows: list[list[Pair]]
    new: int
    """Test clips of a pair that never trains, though its verb and its noun may."""
    left_out: int
    """Clips of rare verbs and nouns that are not shown."""


def pairs(inputs: Inputs, protocol: str) -> Pairs | None:
    """Return the clips of each pair in the train and test part of a protocol; None where labels are not made of two.

    A clip of a leave-one-out protocol, which trains in one fold and tests in another, counts in both.
    """
    parts = inputs.splits.filter(pl.col("protocol") == protocol).select("clip_id", "part").unique()
    clips = inputs.manifest.filter(pl.col("verb").is_not_null() & pl.col("noun").is_not_null())
    rows = clips.select("clip_id", "verb", "noun").join(parts, on="clip_id").select("part", "verb", "noun").rows()
    if not rows:
        return None
    counts = Counter(rows)
    verbs = _commonest([verb for _, verb, _ in rows], [one.verb for one in inputs.classes.classes])
    nouns = _commonest([noun for _, _, noun in rows], [one.noun for one in inputs.classes.classes])
    most = max((count for (part, *_), count in counts.items() if part == "train"), default=1)

    def cell(verb: str, noun: str) -> Pair:
        train = counts["train", verb, noun]
        return Pair(train, counts["test", verb, noun], round(90 * (train / most) ** 0.5))

    matrix = [[cell(verb, noun) for noun in nouns] for verb in verbs]
    new = sum(count for (part, *pair), count in counts.items() if part == "test" and not counts["train", *pair])
    shown = sum(count for (_, verb, noun), count in counts.items() if verb in verbs and noun in nouns)
    return Pairs(verbs, nouns, matrix, new, len(rows) - shown)


def _commonest(names: list[str], order: list[str | None]) -> list[str]:
    """Return up to `MOST` names, those that come most often, in an order that holds them all."""
    kept = {name for name, _ in Counter(sorted(names)).most_common(MOST)}
    return [name for name in dict.fromkeys(order) if name in kept and name is not None]
