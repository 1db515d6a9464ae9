"""Clips decoded once: evenly spread frames of one size, memory-mapped under the journal's folder.

Training looks at a clip in every epoch; decoding it each time would take longer than a small model's step. A clip's
frames are a record in a segment beside the room's journal (`stages/base/journal/segments.py`): a batch reads only its
own clips from disk, and what a disk changed is decoded again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from itertools import count

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.journal.segments import KIND, Place, Segments
from stages.base.journal.store import Journal, journal_key
from stages.base.parallel.crashed import Crashed
from stages.base.parallel.pool import parallel_map
from stages.base.params import compute
from stages.base.video.decode import Image
from stages.base.video.sample import sample
from stages.learn.data import Clip
from stages.learn.params import Pixels

#: Raise it when the same clip and params give other pixels.
VERSION = 1
ROOM = "frames"

Frames = NDArray[np.uint8]


class Store:
    """The kept frames of any number of clips, (kept, H, W, 3) uint8 RGB each; kept: null keeps all of a clip's.

    Memory is what the last reads touched.
    """

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels
        self._shapes = {
            "kept": pixels.kept,
            "size": list(pixels.kept_size),
            "fit": pixels.fit,
            "version": VERSION,
            "av": version("av"),
            "opencv": version("opencv-contrib-python"),
        }
        self._at: dict[str, Place] = {}
        self._segments = Segments("u8")

    def keep(self, clips: Sequence[Clip], processes: int, advance: Callable[[int], None] = lambda _: None) -> int:
        """Decode the clips that are not kept yet, each file once; return how many those were.

        Raises:
            InputError: a clip cannot be decoded, or has fewer frames than the manifest says.
        """
        with Journal(ROOM, KIND) as journal:
            missing: dict[str, Clip] = {}
            for clip in clips:
                if not self._find(journal, clip):
                    missing.setdefault(clip.md5, clip)
            if missing:
                self._decode(journal, list(missing.values()), processes, advance)
            for clip in clips:
                self._find(journal, clip)
        return len(missing)

    def _find(self, journal: Journal, clip: Clip) -> bool:
        found = self._segments.find(journal, self._keys(clip), lambda _: int(np.prod(self.shape(clip))))
        if found.place is not None:
            self._at[clip.md5] = found.place
            return True
        if found.changed:
            print(f"left aside, a disk changed it, {clip.path} is decoded again: {found.changed}", file=sys.stderr)
        return False

    def _keys(self, clip: Clip) -> Iterator[str]:
        """Yield the keys under which a clip may be kept, as `Segments` takes them."""
        yield journal_key(md5=clip.md5, frames=clip.frames, **self._shapes)
        for again in count(1):
            yield journal_key(md5=clip.md5, frames=clip.frames, again=again, **self._shapes)

    def shape(self, clip: Clip) -> tuple[int, int, int, int]:
        """Return the shape of what is kept of a clip."""
        width, height = self.pixels.kept_size
        return (self.pixels.kept or clip.frames, height, width, 3)

    def _decode(self, journal: Journal, clips: Sequence[Clip], processes: int, advance: Callable[[int], None]) -> None:
        work = partial(decode, kept=self.pixels.kept, size=self.pixels.kept_size, fit=self.pixels.fit)
        try:
            for clip, frames in parallel_map(work, clips, min(processes, len(clips)), compute().clip_seconds):
                if isinstance(frames, Crashed):
                    raise InputError(str(frames), file=clip.path, do="ingest again: the clip may have changed")
                self._segments.add(journal, self._keys(clip), frames)
                advance(1)
        finally:
            self._segments.close()

    def get(self, clip: Clip, places: Sequence[int] | NDArray[np.int64] | slice = slice(None)) -> Frames:
        """Return kept frames of a clip, (n, H, W, 3); `places` are among the kept ones. `keep` it first."""
        record = self._segments.read(self._at[clip.md5])
        return np.asarray(record.reshape(self.shape(clip))[places])


def decode(clip: Clip, kept: int | None, size: tuple[int, int], fit: str) -> Frames:
    """Return `kept` frames spread evenly over a clip, all for None, uint8 (kept, H, W, 3) RGB, at `size` (W, H)."""
    cv2.setNumThreads(1)  # the processes already take every core
    frames, _ = sample(clip.path, kept or clip.frames, frames=clip.frames)
    return np.stack([resized(frame, size, fit) for frame in frames])


def resized(image: Image, size: tuple[int, int], fit: str) -> Image:
    """Return an image (H, W, 3) at `size` (W, H): stretched, or scaled to cover it and cut at the centre (`cover`)."""
    height, width = image.shape[:2]
    if fit == "cover":
        scale = max(size[0] / width, size[1] / height)
        across, down = round(size[0] / scale), round(size[1] / scale)
        left, top = (width - across) // 2, (height - down) // 2
        image = image[top : top + down, left : left + across]
    if image.shape[1::-1] == size:
        return np.ascontiguousarray(image)
    shrinks = image.shape[1] > size[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(image), size, interpolation=how), np.uint8)
