"""Where a clip's media are: what travels to a worker, which opens them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from stages.base.errors import InputError
from stages.base.video.keyframe_table import Shards, read_shards
from stages.base.video.sample import sample, uniform_indices
from stages.vlm.base import Media


@dataclass(frozen=True)
class Keyframes:
    """A clip's keyframes, of which at most `count` are shown, evenly chosen."""

    folder: Path
    clip_id: str
    count: int

    def open(self, shards: Shards | None = None) -> Media:
        """Return the images; `shards` is the folder's reader, null: this process keeps one.

        Raises:
            InputError: the clip has no keyframes, or their file is missing or damaged.
        """
        ((_, frames),) = (shards or _shards(self.folder)).frames_of([self.clip_id])
        chosen = uniform_indices(len(frames), min(self.count, len(frames)))
        return Media("images", [np.asarray(frames[place].picture()) for place in chosen])


@dataclass(frozen=True)
class Recording:
    """A clip's file, of which at most `count` frames are shown, evenly drawn from its `frames`."""

    clip_id: str
    path: str | None
    count: int
    frames: int
    duration: float | None

    def open(self) -> Media:
        """Return the video.

        Raises:
            InputError: the file is missing or does not decode, or the clip is a name only.
        """
        if self.path is None:
            raise InputError(f"{self.clip_id} has no video: the manifest was made from names", do="use keyframes")
        images, _ = sample(Path(self.path), min(self.count, self.frames), frames=self.frames)
        return Media("video", list(images), round(len(images) / self.duration, 6) if self.duration else None)


@cache
def _shards(folder: Path) -> Shards:
    """Return a folder's reader. A worker works in one folder for one stage, whose inputs stay as they are."""
    return read_shards(folder)
