"""Controls applied to whole clips, then brought to the frames that a model keeps."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.core.errors import InputError
from stages.core.pool import Crashed, spread
from stages.learn.data import Clip
from stages.learn.frames import resized
from stages.learn.params import Pixels
from stages.video import controls
from stages.video.decode import read_frames
from stages.video.sample import uniform_indices

#: What is done to a clip that stays as it is.
NONE = "none"

Frames = NDArray[np.uint8]
#: What controls look at of a clip's truth.
_COLUMNS = ["clip_id", "frames", "height", "width", "boxes", "plate"]


def read_truths(path: Path, clips: Sequence[Clip]) -> dict[str, dict[str, Any]]:
    """Return what the simulator knows of each clip.

    Raises:
        InputError: there is no such file, or it lacks a clip.
    """
    if not path.exists():
        raise InputError("no such file", file=path, do="controls need rendered clips: run the stage simulate for them")
    rows = pl.read_parquet(path, columns=_COLUMNS).filter(pl.col("clip_id").is_in([clip.clip_id for clip in clips]))
    truths = {row["clip_id"]: row for row in rows.iter_rows(named=True)}
    missing = next((clip.clip_id for clip in clips if clip.clip_id not in truths), None)
    if missing is not None:
        raise InputError("the truth lacks the clip", file=path, row=missing, do="render the scene again")
    return truths


def controlled(
    asked: Sequence[tuple[Clip, Collection[str]]],
    truths: Mapping[str, Mapping[str, Any]],
    pixels: Pixels,
    seed: int,
    processes: int,
) -> Iterator[tuple[Clip, dict[str, Frames]]]:
    """Yield each clip with its kept frames (kept, H, W, 3) under each control that is asked of it, in any order."""
    items = [(clip, tuple(names), truths[clip.clip_id]) for clip, names in asked]
    for (clip, _, _), made in spread(partial(_apply, pixels, seed), items, min(processes, len(items))):
        if isinstance(made, Crashed):
            raise InputError(str(made), file=clip.path, do="ingest again: the clip may have changed")
        yield clip, made


def _apply(pixels: Pixels, seed: int, item: tuple[Clip, tuple[str, ...], Mapping[str, Any]]) -> dict[str, Frames]:
    cv2.setNumThreads(1)  # the processes already take every core
    clip, names, truth = item
    whole, _ = read_frames(clip.path)
    kept = uniform_indices(len(whole), pixels.kept)
    made = {}
    for name in names:
        frames = whole if name == NONE else controls.apply(name, whole, truth, seed)
        made[name] = np.stack([resized(frames[index], pixels.kept_size, pixels.fit) for index in kept])
    return made
