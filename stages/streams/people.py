"""What is known of a person who is followed, and of what may be one in a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from stages.streams.background import Lab
from stages.video.masks import Mask, box_of

Floats = npt.NDArray[np.float64]
Box = tuple[int, int, int, int]
#: Colours are told apart in so many steps of lightness and of both colour axes, in the upper and in the lower half.
_STEPS, _HALVES = 8, 2
#: What one look is worth against all before it, in somebody's colours and in their velocity.
_NEW_COLOUR, _NEW_SPEED = 0.1, 0.3


class Blob(NamedTuple):
    """A connected part of a frame that differs from the background."""

    mask: Mask
    box: Box
    area: int


@dataclass
class Person:
    """Somebody who is followed: `mask` and `box` where last seen, `speed` pixels a frame, `missed` frames since."""

    number: int
    mask: Mask
    box: Box
    colours: Floats
    area: float
    speed: Floats
    missed: int = 0

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
            self.colours = (1 - _NEW_COLOUR) * self.colours + _NEW_COLOUR * colours(image, mask, box)
            self.area = 0.8 * self.area + 0.2 * int(mask.sum())


def centre(box: Box) -> tuple[float, float]:
    """Return a box's centre, x and y."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def blobs(mask: Mask, least: float) -> list[Blob]:
    """Return the connected parts of a mask of at least `least` pixels, the largest first; halves of one as one.

    Trousers of the ground's colour take a person apart: parts above each other with a small gap are one.
    """
    count, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    parts = [labels == number for number in range(1, count)]
    merged = True
    while merged:
        merged = False
        for i in range(len(parts)):
            for j in range(i + 1, len(parts)):
                if _above(parts[i], parts[j]):
                    parts[i] |= parts.pop(j)
                    merged = True
                    break
            if merged:
                break
    found = [Blob(part, box, int(part.sum())) for part in parts if (box := box_of(part))]
    return sorted((one for one in found if one.area >= least), key=lambda one: (-one.area, one.box))


def _above(one: Mask, other: Mask) -> bool:
    """Whether two parts are above each other, with a gap of a tenth of the frame at most."""
    first, second = box_of(one), box_of(other)
    assert first is not None and second is not None
    common = min(first[2], second[2]) - max(first[0], second[0])
    gap = max(first[1], second[1]) - min(first[3], second[3])
    return common > 0.5 * min(first[2] - first[0], second[2] - second[0]) and 0 <= gap <= len(one) // 10


def is_near(one: Blob, other: Blob) -> bool:
    """Whether two parts may be of one person: a twentieth of the frame's height apart at most."""
    room = len(one.mask) // 20
    across = max(one.box[0], other.box[0]) - min(one.box[2], other.box[2])
    down = max(one.box[1], other.box[1]) - min(one.box[3], other.box[3])
    return across <= room and down <= room


def _bins(image: Lab) -> npt.NDArray[np.int64]:
    """Return the number of each pixel's colour, (H, W). Clothes differ little from grey: a and b are 32 about it."""
    steps = np.empty(image.shape, np.int64)
    steps[..., 0] = image[..., 0] >> 5
    steps[..., 1:] = np.clip((image[..., 1:].astype(np.int64) - 96) >> 3, 0, _STEPS - 1)
    return np.asarray((steps[..., 0] * _STEPS + steps[..., 1]) * _STEPS + steps[..., 2])


def _halves(box: Box, height: int) -> npt.NDArray[np.int64]:
    """Return for each row of a frame whether it is in a box's upper (0) or lower half (1)."""
    return np.asarray(np.arange(height) >= (box[1] + box[3]) / 2, np.int64)


def colours(image: Lab, mask: Mask, box: Box) -> Floats:
    """Return the shares of all colours within a mask, those of its upper and lower half apart; their sum is 1."""
    found = _bins(image) + _halves(box, len(image))[:, None] * _STEPS**3
    counts = np.bincount(found[mask], minlength=_HALVES * _STEPS**3).astype(np.float64)
    return counts / max(1.0, counts.sum())


def alike(one: Floats, other: Floats) -> float:
    """Return how alike colours are, 0 to 1: what they have in common, neighbouring colours too."""
    return float(np.minimum(_spread(one), _spread(other)).sum())


def unlikely(image: Lab, person: Person) -> Floats:
    """Return how unlike a person's colours each pixel is, (H, W), 0 and up."""
    spread = _spread(person.colours)
    found = _bins(image) + _halves(person.box, len(image))[:, None] * _STEPS**3
    return np.asarray(-np.log(spread[found] * _HALVES + 1e-3))


def _spread(of: Floats) -> Floats:
    """Return colours with a share of each given to its neighbours: light changes, and steps are coarse."""
    cube = of.reshape(_HALVES, _STEPS, _STEPS, _STEPS)
    for axis in (1, 2, 3):
        padded = np.concatenate([cube.take([0], axis), cube, cube.take([-1], axis)], axis)
        low, middle, high = (padded.take(range(k, k + _STEPS), axis) for k in range(3))
        cube = 0.25 * low + 0.5 * middle + 0.25 * high
    return cube.reshape(-1)
