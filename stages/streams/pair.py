"""Which two of the people in a clip interact: a stated rule, in the place of the paper's clicks by hand.

Of each two who are seen together in some frame, cost = distance / (together^2 x (1 + approach)), the least one wins:

- distance: of their boxes' centres, mean over the frames in which both are seen, in heights of a person (the mean of
  the two's median heights);
- together: the share of the clip's frames in which both are seen; squared, so that who only passes close by loses;
- approach: the share of their distance when first seen together that is closed where they are nearest.

Equal costs: the two who are seen longer, then the lower numbers. Person 1 is the one whose box's centre is further left
where both are first seen (equal: further up, then the lower number).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import NamedTuple

from stages.streams.finder import Seen

_Boxes = dict[int, tuple[int, int, int, int]]


class Choice(NamedTuple):
    """The finder's numbers of all people, those of persons 1 and 2 first, and why in words.

    `order` begins with two who interact only if `pair`; else the one who is seen longest is first, and nobody second.
    """

    order: list[int]
    pair: bool
    people: int
    why: str

    def number(self, track: int) -> int:
        """Return a person's number in STREAMS."""
        place = self.order.index(track)
        return place + 1 if self.pair or place == 0 else place + 2


class _Cost(NamedTuple):
    cost: float
    unseen: int
    tracks: tuple[int, int]
    distance: float
    together: int
    approach: float


def choose(found: Sequence[Seen], frames: int) -> Choice:
    """Return who interacts in a clip of `frames` frames."""
    boxes: dict[int, _Boxes] = {}
    for one in found:
        boxes.setdefault(one.track, {})[one.frame] = one.box
    longest = sorted(boxes, key=lambda track: (-len(boxes[track]), track))
    costs = [cost for pair in combinations(sorted(boxes), 2) if (cost := _cost(boxes, pair, frames))]
    if not costs:
        why = {0: "nobody was found", 1: "one person was found"}.get(len(boxes), "no two are seen in one frame")
        return Choice(longest, False, len(boxes), why)
    best = min(costs)
    first, second = _left_to_right(boxes, best.tracks)
    others = [track for track in longest if track not in (first, second)]
    why = (
        f"{'the only' if len(boxes) == 2 else f'of {len(boxes)} people the'} two seen together"
        f"{'' if len(boxes) == 2 else ' with the least cost'}: {best.distance:.2f} heights apart on average, in"
        f" {best.together} of {frames} frames, {best.approach:.0%} of the way closed"
    )
    return Choice([first, second, *others], True, len(boxes), why)


def _cost(boxes: dict[int, _Boxes], pair: tuple[int, int], frames: int) -> _Cost | None:
    """Return what speaks against two people, None where they are never seen in one frame."""
    one, other = (boxes[track] for track in pair)
    together = sorted(one.keys() & other.keys())
    if not together:
        return None
    height = sum(median(bottom - top for _, top, _, bottom in of.values()) for of in (one, other)) / 2
    apart = [math.dist(_centre(one[frame]), _centre(other[frame])) / height for frame in together]
    distance = math.fsum(apart) / len(apart)
    approach = (apart[0] - min(apart)) / apart[0] if apart[0] else 0.0
    cost = distance / ((len(together) / frames) ** 2 * (1 + approach))
    return _Cost(round(cost, 9), -len(one) - len(other), pair, distance, len(together), approach)


def _left_to_right(boxes: dict[int, _Boxes], pair: tuple[int, int]) -> list[int]:
    start = min(boxes[pair[0]].keys() & boxes[pair[1]].keys())
    return sorted(pair, key=lambda track: (*_centre(boxes[track][start]), track))


def _centre(box: tuple[int, int, int, int]) -> tuple[float, float]:
    left, top, right, bottom = box
    return (left + right) / 2, (top + bottom) / 2
