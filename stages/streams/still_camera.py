"""The back end `opencv`: a still camera's background, and people followed both ways from where they are best apart.

A clip is decoded once. Small images of its first `_HELD` frames are in memory: the background is made of them, and in
them people are followed forwards and backwards from one frame. Later frames are followed one by one as they come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from itertools import islice
from typing import Any

import cv2
import numpy as np

from stages.streams.background import Lab, background, difference, lab, solid
from stages.streams.finder import Clip, Seen, seen
from stages.streams.follow import Follower
from stages.streams.joined import Found, spaced, whole
from stages.streams.params import OpenCVParams
from stages.streams.people import blobs
from stages.video.masks import Mask, resized
from stages.video.sample import shrunk

#: Raise it when the same clip gives other people; a golden test fails when that is forgotten.
VERSION = 1
#: Small frames held at once, and frames that the background is made of.
_HELD, _OF_BACKGROUND = 512, 64


class StillCamera:
    """Finds people by what differs from the background."""

    def __init__(self, params: OpenCVParams) -> None:
        self.params = params

    def shapes(self, clip_id: str) -> dict[str, Any]:
        """Return the versions of this code and of OpenCV."""
        return {"version": VERSION, "cv2": cv2.__version__}

    def known(self, clip_id: str) -> tuple[int, int] | None:
        """Return None: nothing in a clip says who interacts."""
        return None

    def find(self, clip: Clip) -> list[Seen]:
        """Return the people of a clip, numbered as they are met.

        Raises:
            InputError: the clip cannot be decoded.
        """
        small = (lab(shrunk(image, self.params.side)) for _, image in clip.images())
        held, empty = self._held(small)
        if not held:
            return []
        masks = [self._mask(image, empty) for image in held]
        start = self._best(masks)
        follower = Follower(self.params, masks[0].size)
        found = {start: follower.step(held[start], masks[start])}
        backwards = deepcopy(follower)
        for place in range(start + 1, len(held)):
            found[place] = follower.step(held[place], masks[place])
        backwards.continue_numbers(follower)
        for place in range(start - 1, -1, -1):
            found[place] = backwards.step(held[place], masks[place])
        follower.continue_numbers(backwards)
        for place, image in enumerate(small, len(held)):
            found[place] = follower.step(image, self._mask(image, empty))
        return self._rows(found, clip)

    def _held(self, small: Iterator[Lab]) -> tuple[list[Lab], Lab]:
        """Return the first frames and the background."""
        held = list(islice(small, _HELD))
        every = max(1, len(held) // _OF_BACKGROUND)
        return held, background(held[::every], self.params) if held else np.zeros((0, 0, 3), np.uint8)

    def _mask(self, image: Lab, empty: Lab) -> Mask:
        return solid(difference(image, empty) > self.params.threshold, self.params)

    def _best(self, masks: list[Mask]) -> int:
        """Return the frame with the most people; of those, the one in which they are furthest apart, the first one.

        A number that is seen in fewer than a fifth of the frames is of people in pieces.
        """
        least = self.params.least * masks[0].size
        parts = [blobs(mask, least) for mask in masks]
        times = Counter(len(found) for found in parts)
        most = max(number for number, count in times.items() if 5 * count >= len(parts))
        places = [place for place, found in enumerate(parts) if len(found) == most]
        return max(places, key=lambda place: (spaced(parts[place]), -place))

    def _rows(self, found: dict[int, list[Found]], clip: Clip) -> list[Seen]:
        """Return who is seen often enough to be a person, in the clip's own size."""
        found = whole(found)
        times = Counter(one.number for people in found.values() for one in people)
        least = min(len(found), max(3, len(found) // 20))
        rows = [
            seen(one.number, frame, resized(one.mask, clip.height, clip.width), 1.0 if one.alone else 0.5)
            for frame, people in sorted(found.items())
            for one in people
            if times[one.number] >= least
        ]
        return [row for row in rows if row is not None]
