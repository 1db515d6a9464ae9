"""The pairs of a family, whatever the number that is compared: seeds where a side learns, p values corrected."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from stages.compare.holm import holm
from stages.stats.intervals import tested
from stages.stats.seeds import Seeds, contrast
from stages.stats.spread import Spread

NUMBERS = ["difference", "low", "high", "p", "p_holm"]
COUNTS = ["clips", "classes", "subjects"]
#: The same with seeds; a run in which no method learns has none of these.
SEEDED = ["low_seeds", "high_seeds", "p_seeds"]

Answers = TypeVar("Answers")


class Counts(NamedTuple):
    """What a difference rests on."""

    clips: int
    classes: int
    subjects: int


class Gap(NamedTuple):
    """A difference of two methods on the clips that both have."""

    row: dict[str, Any]
    """The columns `NUMBERS`, p not yet corrected, and `COUNTS`; None where a number cannot be told."""
    spread: Spread | None
    """Of the difference: of variance 0 where no clip differs, nan where it cannot be told; None without a clip."""

    @classmethod
    def of(cls, found: tuple[float, Spread] | None, counts: Counts, confidence: float) -> Gap:
        """Return the gap of a difference and its spread; None where the two have no clip in common."""
        row = dict.fromkeys(NUMBERS) | counts._asdict()
        if found is None:
            return cls(row, None)
        value, clusters = found
        return cls(row | tested(value, clusters, counts.subjects, confidence)._asdict(), clusters)


def pairs(
    shipped: Mapping[str, Answers],
    over_seeds: Mapping[str, tuple[Answers, Seeds]],
    gap: Callable[[Answers, Answers], Gap],
    confidence: float,
) -> list[dict[str, Any]]:
    """Return the rows of a family: each two methods' `model` and `other`, their gap and the columns `SEEDED`.

    Args:
        shipped: what each method answered.
        over_seeds: of those that learn, what all their trainings answered, and these trainings' numbers.
        gap: of two methods' answers.
        confidence: of the intervals.
    """
    every = {**shipped, **{name: answers for name, (answers, _) in over_seeds.items()}}
    rows = []
    for model, other in itertools.combinations(sorted(shipped), 2):
        found = gap(shipped[model], shipped[other]).row
        sides = [over_seeds[name][1] for name in (model, other) if name in over_seeds]
        with_seeds: tuple[float | None, ...] = (found["low"], found["high"], found["p"])
        if sides and found["difference"] is not None:
            mean = gap(every[model], every[other])
            value, clusters = mean.row["difference"], mean.spread
            with_seeds = (None,) * 3 if clusters is None else contrast(value, clusters, sides, confidence)
        rows.append({"model": model, "other": other, **found, **dict(zip(SEEDED, with_seeds, strict=True))})
    for name, into in (("p", "p_holm"), ("p_seeds", "p_seeds")):
        told = [row for row in rows if row[name] is not None]
        for row, adjusted in zip(told, holm([row[name] for row in told]), strict=True):
            row[into] = float(adjusted)
    return rows
