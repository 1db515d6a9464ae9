"""Render a scene on all cores and write it: clips, truth, contact sheet."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.base.paths import Run
from stages.simulate.drawn import drawn
from stages.simulate.params import Scene
from stages.simulate.render import Plan, encode, plan, render
from stages.simulate.schema import TRUTH
from stages.simulate.sheet import pick, sheet

#: Clips whose truth is a row group.
GROUP = 512


class Made(NamedTuple):
    """A written clip: its row of TRUTH and, where the contact sheet shows it, its picked frames (4, H, W, 3)."""

    truth: dict[str, Any]
    picked: NDArray[np.uint8] | None


def make(scene: Scene, run: Run, processes: int, advance: Callable[[int], None]) -> None:
    """Write all clips of a scene, its truth and its contact sheet; each appears when it is whole, truth the last.

    Memory does not grow with the number of clips. The sheet shows the first recording: one clip a class.
    """
    plans = sorted((plan(scene, number) for number in range(scene.clips)), key=lambda one: one.clip_id)
    clips, truth = run.data / "clips.part", run.data / "truth.parquet.part"
    shutil.rmtree(clips, ignore_errors=True)
    clips.mkdir(parents=True)
    shown: dict[str, NDArray[np.uint8]] = {}
    for what, made in drawn(partial(_one, scene, clips), plans, processes, truth, TRUTH, GROUP, advance):
        if made.picked is not None:
            shown[what.activity] = made.picked
    shutil.rmtree(run.clips, ignore_errors=True)
    clips.rename(run.clips)
    (run.data / "contact_sheet.png").write_bytes(sheet(dict(sorted(shown.items()))))
    truth.rename(run.data / "truth.parquet")


def _one(scene: Scene, folder: Path, what: Plan) -> Made:
    cv2.setNumThreads(1)  # the processes already take every core
    clip = render(scene, what)
    encode(clip.frames, scene.fps, folder / f"{what.clip_id}.mp4")
    return Made(clip.truth, pick(clip.frames) if what.number < len(scene.activities) else None)
