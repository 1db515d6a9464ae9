"""Render a scene on all cores and write it: clips, truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from stages.base.paths import Run
from stages.simulate.drawn import drawn, renewed
from stages.simulate.params import Scene
from stages.simulate.render import Plan, encode, plan, render
from stages.simulate.schema import TRUTH

#: Clips whose truth is a row group.
GROUP = 512


class Rendered(NamedTuple):
    """A written clip: its row of TRUTH."""

    truth: dict[str, Any]


def make(scene: Scene, run: Run, processes: int, advance: Callable[[int], None]) -> None:
    """Write all clips of a scene and its truth; each appears when it is whole, truth the last.

    Memory does not grow with the number of clips.
    """
    plans = sorted((plan(scene, number) for number in range(scene.clips)), key=lambda one: one.clip_id)
    with renewed(run) as (clips, truth):
        for _ in drawn(partial(_one, scene, clips), plans, processes, truth, TRUTH, GROUP, advance):
            pass  # the clip is written where it is rendered, its truth by `drawn`


def _one(scene: Scene, folder: Path, what: Plan) -> Rendered:
    cv2.setNumThreads(1)  # the processes already take every core
    clip = render(scene, what)
    encode(clip.frames, scene.fps, folder / f"{what.clip_id}.mp4")
    return Rendered(clip.truth)
