"""Clips decoded once: evenly spread frames of one size, memory-mapped under the journal's folder.

Training looks at a clip in every epoch; decoding it each time would take longer than a small model's step. A clip's
frames are a record in a segment beside the room's journal, which says where it lies, with its checksum:
so a killed run goes on, any number of processes write (each its own segment), a batch reads only its own clips from
disk, and what a disk changed is decoded again.
"""

from __future__ import annotations

import sys
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from itertools import count
from pathlib import Path
from typing import IO

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.params import compute
from stages.journal.store import Journal, journal_key
from stages.learn.data import Clip
from stages.learn.params import Pixels
from stages.parallel.crashed import Crashed
from stages.parallel.pool import parallel_map
from stages.video.decode import Image
from stages.video.sample import sample

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
        self._at: dict[str, tuple[Path, int]] = {}
        self._maps: dict[Path, NDArray[np.uint8]] = {}

    def keep(self, clips: Sequence[Clip], processes: int, advance: Callable[[int], None] = lambda _: None) -> int:
        """Decode the clips that are not kept yet, each file once; return how many those were.

        Raises:
            InputError: a clip cannot be decoded, or has fewer frames than the manifest says.
        """
        with Journal(ROOM, ("segment", "offset", "crc")) as journal:
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
        bad, length = None, self._length(clip)
        for key in self._keys(clip):
            if key not in journal:
                break
            value = journal.get(key)
            path, offset = journal.folder / value["segment"], int(value["offset"])
            if not path.exists() or path.stat().st_size < offset + length:
                continue  # somebody removed it
            if zlib.crc32(self._bytes(path, offset, length).data) == value["crc"]:
                self._at[clip.md5] = (path, offset)
                return True
            bad = path
        if bad:
            print(f"left aside, a disk changed it, {clip.path} is decoded again: {bad}", file=sys.stderr)
        return False

    def _keys(self, clip: Clip) -> Iterator[str]:
        """Yield the keys under which a clip may be kept: the first record's, then those of what took its place.

        Of two records with one key the journal may give either, so a lost one's key is not taken again.
        """
        yield journal_key(md5=clip.md5, frames=clip.frames, **self._shapes)
        for again in count(1):
            yield journal_key(md5=clip.md5, frames=clip.frames, again=again, **self._shapes)

    def shape(self, clip: Clip) -> tuple[int, int, int, int]:
        """Return the shape of what is kept of a clip."""
        width, height = self.pixels.kept_size
        return (self.pixels.kept or clip.frames, height, width, 3)

    def _length(self, clip: Clip) -> int:
        return int(np.prod(self.shape(clip)))

    def _decode(self, journal: Journal, clips: Sequence[Clip], processes: int, advance: Callable[[int], None]) -> None:
        journal.folder.mkdir(parents=True, exist_ok=True)
        segment = journal.folder / f"{uuid.uuid4().hex}.u8"
        work = partial(decode, kept=self.pixels.kept, size=self.pixels.kept_size, fit=self.pixels.fit)
        with segment.open("wb", buffering=0) as out:
            for clip, frames in parallel_map(work, clips, min(processes, len(clips)), compute().clip_seconds):
                if isinstance(frames, Crashed):
                    raise InputError(str(frames), file=clip.path, do="ingest again: the clip may have changed")
                offset = out.tell()
                _write(out, frames)
                key = next(key for key in self._keys(clip) if key not in journal)
                journal.put(key, {"segment": segment.name, "offset": offset, "crc": zlib.crc32(frames.data)})
                advance(1)

    def get(self, clip: Clip, places: Sequence[int] | NDArray[np.int64] | slice = slice(None)) -> Frames:
        """Return kept frames of a clip, (n, H, W, 3); `places` are among the kept ones. `keep` it first."""
        record = self._bytes(*self._at[clip.md5], self._length(clip))
        return np.asarray(record.reshape(self.shape(clip))[places])

    def _bytes(self, path: Path, offset: int, length: int) -> Frames:
        """Return a clip's record as it lies in a segment, flat."""
        whole = self._maps.get(path)
        if whole is None or len(whole) < offset + length:
            whole = self._maps[path] = np.memmap(path, np.uint8, mode="r")
        return whole[offset : offset + length]


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


def _write(out: IO[bytes], frames: Frames) -> None:
    # An unbuffered write may be short on a full disk; the next call then raises ENOSPC.
    view = memoryview(frames.tobytes())
    while view:
        view = view[out.write(view) or 0 :]
