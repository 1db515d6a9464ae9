"""Controls applied to whole clips, of which a method then keeps what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.parallel.crashed import Crashed
from stages.base.parallel.pool import parallel_map
from stages.base.video import controls
from stages.base.video.decode import read_frames
from stages.base.video.sample import uniform_indices
from stages.controls.questions import NONE
from stages.learn.data import Clip
from stages.learn.frames import resized
from stages.learn.params import Pixels

Frames = NDArray[np.uint8]
Truths = Mapping[str, Mapping[str, Any]]
#: What controls look at of a clip's truth; the last two are there where the camera moves.
_COLUMNS = ["clip_id", "frames", "height", "width", "boxes", "plate", "samples", "views"]


def read_truths(path: Path, clips: Sequence[Clip]) -> dict[str, dict[str, Any]]:
    """Return what the simulator knows of each clip.

    Raises:
        InputError: there is no such file, or it lacks a clip.
    """
    if not path.exists():
        raise InputError("no such file", file=path, do="controls need rendered clips: run the stage simulate for them")
    columns = [name for name in _COLUMNS if name in pl.read_parquet_schema(path)]
    rows = pl.read_parquet(path, columns=columns).filter(pl.col("clip_id").is_in([clip.clip_id for clip in clips]))
    truths = {row["clip_id"]: row for row in rows.iter_rows(named=True)}
    missing = next((clip.clip_id for clip in clips if clip.clip_id not in truths), None)
    if missing is not None:
        raise InputError("the truth lacks the clip", file=path, row=missing, do="render the scene again")
    return truths


def controlled(
    asked: Sequence[tuple[Clip, Collection[str]]],
    truths: Truths,
    keep: Callable[[Frames], Frames],
    seed: int,
    processes: int,
) -> Iterator[tuple[Clip, dict[str, Frames]]]:
    """Yield each clip, in any order, with what is kept of it under each control that is asked of it.

    Args:
        asked: clips and their controls.
        truths: of each clip.
        keep: from all frames (T, H, W, 3) to those that are kept; other processes call it.
        seed: of the controls' draws.
        processes: that decode.
    """
    items = [(clip, tuple(names), truths[clip.clip_id]) for clip, names in asked]
    for (clip, _, _), made in parallel_map(partial(_apply, keep, seed), items, min(processes, len(items))):
        if isinstance(made, Crashed):
            raise InputError(str(made), file=clip.path, do="ingest again: the clip may have changed")
        yield clip, made


def picked(count: int, frames: Frames) -> Frames:
    """Return `count` frames, evenly spread, (count, H, W, 3)."""
    return np.asarray(frames[uniform_indices(len(frames), count)])


def kept(pixels: Pixels, frames: Frames) -> Frames:
    """Return what training keeps of a clip's frames, (kept, H, W, 3)."""
    shown = picked(pixels.kept or len(frames), frames)
    return np.stack([resized(frame, pixels.kept_size, pixels.fit) for frame in shown])


def _apply(
    keep: Callable[[Frames], Frames], seed: int, item: tuple[Clip, tuple[str, ...], Mapping[str, Any]]
) -> dict[str, Frames]:
    cv2.setNumThreads(1)  # the processes already take every core
    clip, names, truth = item
    whole, _ = read_frames(clip.path)
    return {name: keep(whole if name == NONE else controls.apply(name, whole, truth, seed)) for name in names}
