"""Render and write the clips of a scene on all cores."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.simulate.params import Scene
from stages.simulate.render import encode, plan, render
from stages.simulate.sheet import pick

#: A clip's row of TRUTH and, for clips that the contact sheet shows, its picked frames (4, H, W, 3).
Made = tuple[dict[str, Any], NDArray[np.uint8] | None]


def make(scene: Scene, folder: Path, processes: int) -> Iterator[Made]:
    """Write each clip of a scene into `folder` and yield it, in the order of clips.

    The contact sheet shows the first clip of each class, that is the first recording.
    """
    one = partial(_one, scene, folder)
    if processes == 1:
        yield from map(one, range(scene.clips))
        return
    # Spawned, not forked: the parent has threads (progress, DVC), which a fork would copy in any state.
    with multiprocessing.get_context("spawn").Pool(processes, cv2.setNumThreads, (1,)) as pool:
        yield from pool.imap(one, range(scene.clips), chunksize=4)


def _one(scene: Scene, folder: Path, number: int) -> Made:
    clip = render(scene, plan(scene, number))
    encode(clip.frames, scene.fps, folder / f"{clip.plan.clip_id}.mp4")
    return clip.truth, pick(clip.frames) if number < len(scene.activities) else None
