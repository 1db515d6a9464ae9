"""The one interface of all back ends: a clip in, people with their masks out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from stages.base.video.decode import Image, iterate
from stages.base.video.masks import Mask, Runs, box_of, run_lengths


class Clip(NamedTuple):
    """A usable clip of the manifest; `width` and `height` are pixels of its upright frames."""

    clip_id: str
    path: str
    frames: int
    width: int
    height: int

    def images(self) -> Iterator[tuple[int, Image]]:
        """Yield place and image (H, W, 3), RGB, of each frame, one at a time.

        Raises:
            InputError: it cannot be decoded to its end.
        """
        for frame in iterate(self.path):
            yield frame.index, frame.rgb()


class Seen(NamedTuple):
    """A person in a frame; `track` is any number of that person, `mask` and `box` as in STREAMS."""

    track: int
    frame: int
    box: tuple[int, int, int, int]
    mask: Runs
    score: float


class Finder(Protocol):
    """Who finds people in a clip and follows them."""

    def shapes(self, clip_id: str) -> dict[str, Any]:
        """Return all that shapes what is found in a clip, beside its file and the params: versions, weights."""

    def known(self, clip_id: str) -> tuple[int, int] | None:
        """Return the numbers of the two who interact, where they are known and no rule must choose them."""

    def find(self, clip: Clip, views: Sequence[Image] = ()) -> list[Seen]:
        """Return every person in every frame where they are seen, in any order.

        Args:
            clip: is looked at.
            views: what its camera may see without people, (H, W, 3) RGB each; only `opencv` asks for them.

        Raises:
            InputError: the clip cannot be looked at.
        """


def seen(track: int, frame: int, mask: Mask, score: float) -> Seen | None:
    """Return a person by the mask (H, W) of a frame in the clip's own size; None where it is empty."""
    box = box_of(mask)
    return Seen(track, frame, box, run_lengths(mask), score) if box else None


def often(frames: int) -> int:
    """Return in how many frames of a clip a track must be seen to be a person's, and not a flaw of some frames."""
    return min(frames, max(3, frames // 20))
