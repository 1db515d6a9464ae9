"""People who touch or hide each other, taken apart: each pixel of what they are together is somebody's."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from stages.streams.background import Lab
from stages.streams.people import Person, bounds, unlikely
from stages.video.masks import Mask

#: A pixel a tenth of somebody's height away from where they should be is as unlikely as a colour ten times as rare.
_FAR = 23.0
#: Colours are averaged over so many pixels: neighbours are of one person.
_AROUND = 9


def taken_apart(whole: Mask, people: Sequence[Person], image: Lab) -> list[Mask]:
    """Return each person's part of a mask; parts have no pixel in common, and one who is hidden has a small one."""
    left, top, right, bottom = bounds(whole)
    part = np.s_[top:bottom, left:right]
    costs = []
    for person in people:
        expected = person.expected()
        away = cv2.distanceTransform((~expected[part]).astype(np.uint8), cv2.DIST_L1, 3)
        if not expected[part].any():
            away[:] = len(whole)  # OpenCV's distance to nothing is no number to compare
        height = max(8, person.box[3] - person.box[1])
        colour = cv2.blur(unlikely(image[part], person, top), (_AROUND, _AROUND))
        costs.append(colour + _FAR * away.astype(np.float64) / height)
    owner = np.argmin(np.stack(costs), axis=0)
    owner[~whole[part]] = -1
    found = np.zeros((len(people), *whole.shape), bool)
    for number, mask in enumerate(_without_crumbs([owner == number for number in range(len(people))], whole[part])):
        found[number][part] = mask
    return list(found)


def _without_crumbs(parts: list[Mask], whole: Mask) -> list[Mask]:
    """Give what is cut off from the largest part of somebody, and is small beside it, to whom it touches."""
    kept = []
    for part in parts:
        count, labels, stats, _ = cv2.connectedComponentsWithStats(part.astype(np.uint8), connectivity=4)
        areas = stats[1:, cv2.CC_STAT_AREA]
        large = [number for number in range(1, count) if areas[number - 1] * 5 >= areas.max()]
        kept.append(np.isin(labels, large))
    crumbs = whole & ~np.any(kept, axis=0)
    if crumbs.any() and all(part.any() for part in kept):
        away = [cv2.distanceTransform((~part).astype(np.uint8), cv2.DIST_L1, 3) for part in kept]
        nearest = np.argmin(np.stack(away), axis=0)
        kept = [part | (crumbs & (nearest == number)) for number, part in enumerate(kept)]
    return kept
