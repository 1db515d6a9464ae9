"""What is known of a person who is followed, and of what may be one in a frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from stages.base.video.masks import Mask, box_of
from stages.streams.background import Lab

Floats = npt.NDArray[np.float64]
Box = tuple[int, int, int, int]
#: Colours are told apart in so many steps of lightness and of both colour axes, in the upper and in the lower half.
_STEPS, _HALVES = 8, 2
#: What one look is worth against all before it, in somebody's colours and in their velocity.
_NEW_COLOUR, _NEW_SPEED = 0.1, 0.3
#: Somebody who left is known again by colours at least this much alike.
KNOWN = 0.5
#: After people touched, they are taken for each other only where their colours say so by this much.
SWAP = 0.2


class Blob(NamedTuple):
    """A connected part of a frame that differs from the background."""

    mask: Mask
    box: Box
    area: int


@dataclass
class Person:
    """Somebody who is followed: `mask` and `box` where last seen, `speed` pixels a frame, `missed` frames since.

    `colours`, `area` and `tall`, the greatest height in pixels, are of when they were alone.
    """

    number: int
    mask: Mask
    box: Box
    colours: Floats
    area: float
    speed: Floats
    missed: int = 0
    tall: int = 0

    def expected(self) -> Mask:
        """Return where they should be in the next frame."""
        x, y = (int(step) for step in np.clip(np.rint(self.speed), -8, 8))
        height, width = self.mask.shape
        moved = np.zeros_like(self.mask)
        moved[max(y, 0) : height + min(y, 0), max(x, 0) : width + min(x, 0)] = self.mask[
            max(-y, 0) : height - max(y, 0), max(-x, 0) : width - max(x, 0)
        ]
        return moved

    def see(self, mask: Mask, box: Box, image: Lab | None) -> None:
        """Take in where they are now; `image` only where they are alone, so that their colours are their own."""
        step = np.subtract(centre(box), centre(self.box)) / (1 + self.missed)
        self.speed = (1 - _NEW_SPEED) * self.speed + _NEW_SPEED * step
        self.mask, self.box, self.missed = mask, box, 0
        if image is not None:
            self.colours = remembered(self.colours, colours(image, mask, box))
            self.area = 0.8 * self.area + 0.2 * int(mask.sum())
            self.tall = max(self.tall, box[3] - box[1])


def bounds(mask: Mask) -> Box:
    """Return the box around a mask, which is not empty."""
    box = box_of(mask)
    assert box is not None
    return box


def centre(box: Box) -> tuple[float, float]:
    """Return a box's centre, x and y."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def blobs(mask: Mask, least: float) -> list[Blob]:
    """Return the connected parts of a mask of at least `least` pixels, the largest first; halves of one as one.

    Trousers of the ground's colour take a person apart: parts above each other are one, a twentieth of the frame apart.
    """
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    parts = [labels == number for number in range(1, count)]
    merged = True
    while merged:
        merged = False
        for i in range(len(parts)):
            for j in range(i + 1, len(parts)):
                if stacked(bounds(parts[i]), bounds(parts[j]), len(mask) / 20):
                    parts[i] |= parts.pop(j)
                    merged = True
                    break
            if merged:
                break
    found = [Blob(part, box, int(part.sum())) for part in parts if (box := box_of(part))]
    return sorted((one for one in found if one.area >= least), key=lambda one: (-one.area, one.box))


def stacked(one: Box, other: Box, room: float) -> bool:
    """Whether two parts are above each other, as legs and trunk are: at most `room` pixels apart, little in common.

    What the frame's upper edge cuts, above somebody who is whole, are the legs of who passes behind.
    """
    across = min(one[2], other[2]) - max(one[0], other[0])
    gap = max(one[1], other[1]) - min(one[3], other[3])
    shorter = min(one[3] - one[1], other[3] - other[1])
    near = across > 0.5 * min(one[2] - one[0], other[2] - other[0]) and -0.5 * shorter <= gap <= room
    return near and min(one[1], other[1]) > 0


def is_near(one: Blob, other: Blob) -> bool:
    """Whether two parts may be of one person: a twentieth of the frame's height apart at most."""
    room = len(one.mask) // 20
    across = max(one.box[0], other.box[0]) - min(one.box[2], other.box[2])
    down = max(one.box[1], other.box[1]) - min(one.box[3], other.box[3])
    legs = min(one.box[1], other.box[1]) == 0 and down >= 0  # of who passes behind
    return across <= room and down <= room and not legs


def _steps() -> npt.NDArray[np.int64]:
    """Return what each value of L, a and b adds to a colour's number, (3, 256)."""
    values = np.arange(256)
    # Clothes differ little from grey: of a and b are told apart the 32 about it.
    around = np.clip((values - 96) >> 3, 0, _STEPS - 1)
    return np.stack([(values >> 5) * _STEPS**2, around * _STEPS, around])


_TABLES = _steps()


def _bins(image: Lab) -> npt.NDArray[np.int64]:
    """Return the number of each pixel's colour, of an image (..., 3)."""
    return np.asarray(sum(table[image[..., axis]] for axis, table in enumerate(_TABLES)))


def colours(image: Lab, mask: Mask, box: Box) -> Floats:
    """Return the shares of all colours within a mask, those of its upper and lower half apart; their sum is 1."""
    part = np.s_[box[1] : box[3], box[0] : box[2]]
    halves = np.arange(box[1], box[3]) >= (box[1] + box[3]) / 2
    found = _bins(image[part]) + halves[:, None] * _STEPS**3
    counts = np.bincount(found[mask[part]], minlength=_HALVES * _STEPS**3).astype(np.float64)
    return np.asarray(counts / max(1.0, float(counts.sum())), np.float64)


def alike(one: Floats, other: Floats) -> float:
    """Return how alike colours are, 0 to 1: what they have in common, neighbouring colours too."""
    return float(np.minimum(_spread(one), _spread(other)).sum())


def remembered(before: Floats, now: Floats) -> Floats:
    """Return somebody's colours after one more look at them."""
    return (1 - _NEW_COLOUR) * before + _NEW_COLOUR * now


def exchanged(known: Sequence[Floats], now: Sequence[Floats]) -> list[int] | None:
    """Return which of those seen now, of whom each is taken for the known one in the same place, each known one is.

    None where colours do not say that any of them were taken for each other.
    """
    table = np.array([[alike(one, seen) for seen in now] for one in known])
    rows, columns = linear_sum_assignment(-table)
    return columns.tolist() if table[rows, columns].sum() > np.trace(table) + SWAP else None


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the intersection of two boxes over their union."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    common = max(0.0, across) * max(0.0, down)
    union = sum((right - left) * (bottom - top) for left, top, right, bottom in (one, other)) - common
    return common / union if union > 0 else 0.0


def unlikely(image: Lab, person: Person, top: int) -> Floats:
    """Return how unlike a person's colours each pixel is, (H, W), 0 and up; `image` begins at row `top`."""
    spread = _spread(person.colours)
    halves = np.arange(top, top + len(image)) >= (person.box[1] + person.box[3]) / 2
    found = _bins(image) + halves[:, None] * _STEPS**3
    return np.asarray(-np.log(spread[found] * _HALVES + 1e-3))


def _spread(of: Floats) -> Floats:
    """Return colours with a share of each given to its neighbours: light changes, and steps are coarse."""
    cube = of.reshape(_HALVES, _STEPS, _STEPS, _STEPS)
    for axis in (1, 2, 3):
        padded = np.concatenate([cube.take([0], axis), cube, cube.take([-1], axis)], axis)
        low, middle, high = (padded.take(range(k, k + _STEPS), axis) for k in range(3))
        cube = 0.25 * low + 0.5 * middle + 0.25 * high
    return np.asarray(cube.reshape(-1), np.float64)
