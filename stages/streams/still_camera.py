"""The back end `opencv`: a still camera's background, and people followed both ways from where they are best apart.

A clip is decoded once. Small images of its first `_HELD` frames are in memory: in them people are followed forwards and
backwards from one frame. Later frames are followed one by one as they come. The background is made of these images too,
or it is what the clip's camera sees in many clips (`plates.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from copy import deepcopy
from itertools import islice
from typing import Any

import cv2

from stages.base.video.decode import Image
from stages.base.video.masks import Mask, resized
from stages.base.video.sample import shrunk
from stages.streams.apart import cut_between_heads
from stages.streams.background import Lab, background, difference, lab, median, solid
from stages.streams.finder import Clip, Seen, often, seen
from stages.streams.follow import Follower
from stages.streams.joined import Found, spaced, whole
from stages.streams.params import OpenCVParams
from stages.streams.people import blobs
from stages.streams.plates import shared_background

#: Raise it when the same clip gives other people; a golden test fails when that is forgotten.
VERSION = 1
#: Small frames held at once, and frames that the background is made of.
_HELD, _OF_BACKGROUND = 512, 64
#: Rows and columns of a gap that is closed where the background is known from other clips.
_GAP = (5, 3)


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

    def find(self, clip: Clip, views: Sequence[Image] = ()) -> list[Seen]:
        """Return the people of a clip, numbered as they are met; the background is the one of `views` that is like it.

        Raises:
            InputError: the clip cannot be decoded.
        """
        small = (lab(shrunk(image, self.params.side)) for _, image in clip.images())
        held = list(islice(small, _HELD))
        if not held:
            return []
        masked = self._masked(held, views)
        masks = [masked(image) for image in held]
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
            found[place] = follower.step(image, masked(image))
        return self._rows(found, clip)

    def _masked(self, held: list[Lab], views: Sequence[Image]) -> Callable[[Lab], Mask]:
        """Return what takes a frame (H, W, 3) to where people may be in it, (H, W)."""
        some = held[:: max(1, len(held) // _OF_BACKGROUND)]
        own = median(some)
        shared = shared_background(own, views, self.params.threshold)
        empty = background(some, own, self.params) if shared is None else shared

        def mask(image: Lab) -> Mask:
            other = difference(image, empty) > self.params.threshold
            # Without people in the background outlines are whole: few gaps are closed, and heads can be told.
            return solid(other, self.params) if shared is None else cut_between_heads(solid(other, self.params, _GAP))

        return mask

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
        least = often(len(found))
        rows = [
            seen(one.number, frame, resized(one.mask, clip.height, clip.width), 1.0 if one.alone else 0.5)
            for frame, people in sorted(found.items())
            for one in people
            if times[one.number] >= least
        ]
        return [row for row in rows if row is not None]
