"""What happens in a recording of the resuscitation table, and when: deeds at the newborn's head and at its body.

The two run side by side: whoever holds the mask has no hand left, but a helper has two. A deed's label holds from the
moment when hands and tools have arrived to the moment when they leave. Deeds without a label are there so that neither
a hand on the newborn nor a tool beside its face gives an activity away.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import Generator

#: Seconds that hands take to where they work, and as many back; seconds in which the newborn is laid down or taken up.
REACH, CARRY = 0.8, 1.4

#: The label of each deed while it lasts; null for the deeds that only look alike.
DEEDS: dict[str, str | None] = {
    "ventilate": "ventilation",
    "suck": "suction",
    "rub_trunk": "stimulation",
    "rub_back": "stimulation",
    "hold_mask": None,
    "hold_tube": None,
    "rest_hand": None,
    "check_bag": None,
    "check_tube": None,
}


class Deed(NamedTuple):
    """A deed from when the hands set out to when they are back, seconds."""

    kind: str
    start: float
    end: float

    @property
    def contact(self) -> tuple[float, float]:
        """While it is done: from arrival to leaving."""
        return self.start + REACH, self.end - REACH


class Interval(NamedTuple):
    """A row of the annotations, seconds."""

    label: str
    start: float
    end: float


class Script(NamedTuple):
    """A recording's course."""

    seconds: float
    lies: tuple[float, float]
    """When the newborn lies on the table: from laid down to taken up; the recording's ends where it always does."""
    head: list[Deed]
    """What the head is needed for; also rubbing the back, for which the newborn is turned to its side."""
    body: list[Deed]

    def intervals(self) -> list[Interval]:
        """Return the annotations of the activities, by time; when the newborn is seen is for the picture to tell."""
        deeds = [*self.head, *self.body]
        found = [Interval(label, *deed.contact) for deed in deeds if (label := DEEDS[deed.kind]) is not None]
        return sorted(found, key=lambda interval: (interval.start, interval.label))


class _Choice(NamedTuple):
    weight: float
    shortest: float
    longest: float


#: What may be done at the head, at the body and before the newborn comes; None is nothing. Seconds include the reach.
_HEAD: dict[str | None, _Choice] = {
    None: _Choice(0.12, 1.5, 4),
    "ventilate": _Choice(0.3, 5, 10),
    "suck": _Choice(0.27, 4.5, 8),
    "rub_back": _Choice(0.13, 4.5, 8),
    "hold_mask": _Choice(0.09, 3.5, 6),
    "hold_tube": _Choice(0.09, 3.5, 6),
}
_BODY: dict[str | None, _Choice] = {
    None: _Choice(0.25, 1.5, 4),
    "rub_trunk": _Choice(0.4, 4.5, 8),
    "rest_hand": _Choice(0.35, 4, 7),
}
_EMPTY: dict[str | None, _Choice] = {
    None: _Choice(0.3, 1.5, 4),
    "check_bag": _Choice(0.4, 3.5, 5),
    "check_tube": _Choice(0.3, 3.5, 5),
}


def write(seconds: float, helper: bool, rng: Generator) -> Script:
    """Return a course of so many seconds, with or without a second health worker."""
    comes = 0.0 if rng.random() < 0.35 else float(rng.uniform(3.5, 7)) + CARRY
    goes = seconds if rng.random() < 0.5 else seconds - float(rng.uniform(3.5, 7)) - CARRY
    checks = _fill(0.0, comes - CARRY, _EMPTY, [], rng) + _fill(goes + CARRY, seconds, _EMPTY, [], rng)
    head = _fill(comes, goes, _HEAD, [], rng)
    # One worker needs both hands for the mask, and a back is rubbed with one hand while the other holds.
    taken = [deed for deed in head if deed.kind == "rub_back" or (deed.kind == "ventilate" and not helper)]
    body = _fill(comes, goes, _BODY, taken, rng)
    return Script(seconds, (comes, goes), sorted(checks + head, key=lambda deed: deed.start), body)


def _fill(
    start: float, end: float, choices: dict[str | None, _Choice], taken: list[Deed], rng: Generator
) -> list[Deed]:
    """Return deeds one after the other from start to end, none while one of `taken` is done."""
    kinds = list(choices)
    weights = np.array([choice.weight for choice in choices.values()])
    deeds: list[Deed] = []
    now = start
    while True:
        kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
        until = now + float(rng.uniform(choices[kind].shortest, choices[kind].longest))
        if until > end:
            return deeds
        if kind is not None and any(deed.start < until and now < deed.end for deed in taken):
            now += 0.5
            continue
        if kind is not None:
            deeds.append(Deed(kind, now, until))
        now = until
