"""People who touch or hide each other, taken apart: each pixel of what they are together is somebody's.

Who is known is told by place and colours, who is not yet by their heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from scipy.signal import find_peaks

from stages.base.video.masks import Mask
from stages.streams.background import Lab
from stages.streams.people import Person, bounds, unlikely

#: A pixel a tenth of somebody's height away from where they should be is as unlikely as a colour ten times as rare.
_FAR = 23.0
#: Colours are averaged over so many pixels: neighbours are of one person.
_AROUND = 9

#: What is lower than this share of the frame is nobody whose head could be seen.
_TALL = 0.25
#: Share of a part's height by which a head stands out from what is between it and a higher one.
_HEAD = 0.04


def cut_between_heads(mask: Mask) -> Mask:
    """Return a mask in which parts of several people are cut from top to bottom, where they are thinnest between heads.

    A head is a peak of the part's upper edge. The mask must be whole: a gap in somebody's outline looks like two.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    result = mask.copy()
    for number in range(1, count):
        left, top, width, height = stats[number, :4]
        if height < _TALL * len(mask):
            continue
        place = np.s_[top : top + height, left : left + width]
        part = labels[place] == number
        edge = np.pad(height - np.argmax(part, axis=0), 1, mode="edge")
        edge = np.median(np.lib.stride_tricks.sliding_window_view(edge, 3), axis=1)
        heads = find_peaks(np.pad(edge, 1), prominence=_HEAD * height)[0] - 1
        for one, other in pairwise(heads):
            thick = part[:, one : other + 1].sum(axis=0)
            thinnest = np.flatnonzero(thick == thick.min())
            column = one + thinnest[len(thinnest) // 2]
            result[place][part[:, column], column] = False
    return result


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
