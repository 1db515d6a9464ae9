"""What is found in a clip's frames, and people of whom only halves were followed, made whole."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import NamedTuple

from stages.base.video.masks import Mask
from stages.streams.people import Blob, bounds, centre, stacked


class Found(NamedTuple):
    """A person in a frame; `alone` is false where they were taken apart from others."""

    number: int
    mask: Mask
    alone: bool


def spaced(parts: list[Blob]) -> float:
    """Return the least distance between the centres of any two parts; 0 of fewer than two."""
    middles = [centre(part.box)[0] for part in parts]
    gaps = [abs(one - other) for place, one in enumerate(middles) for other in middles[place + 1 :]]
    return min(gaps, default=0.0)


def whole(found: Mapping[int, list[Found]]) -> dict[int, list[Found]]:
    """Return the people of each frame with those joined of whom one is always right above the other: halves of one.

    Always is in four of five frames of whoever is seen less.
    """
    frames: dict[int, dict[int, Found]] = {}
    for frame, people in sorted(found.items()):
        for person in people:
            frames.setdefault(person.number, {})[frame] = person
    joined = {number: number for number in frames}
    for one, other in combinations(sorted(frames), 2):
        common = sorted(frames[one].keys() & frames[other].keys())
        above = [_right_above(frames[one][frame], frames[other][frame]) for frame in common]
        shorter = min(len(frames[one]), len(frames[other]))
        if above and sum(above) >= 0.8 * shorter:
            joined = {number: joined[one] if to == joined[other] else to for number, to in joined.items()}
    result: dict[int, list[Found]] = {}
    for frame, people in found.items():
        masks: dict[int, Found] = {}
        for person in people:
            to = joined[person.number]
            before = masks.get(to)
            mask = person.mask if before is None else person.mask | before.mask
            masks[to] = Found(to, mask, person.alone or (before is not None and before.alone))
        result[frame] = list(masks.values())
    return result


def _right_above(one: Found, other: Found) -> bool:
    return stacked(bounds(one.mask), bounds(other.mask), len(one.mask) / 20)
