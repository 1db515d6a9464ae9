"""Render the recordings of a resuscitation table on all cores and write them: videos, annotations, truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from stages.base.paths import Run
from stages.simulate.drawn import drawn, renewed
from stages.simulate.lists import write_list
from stages.simulate.params import Table
from stages.simulate.recording import Plan, plan, render
from stages.simulate.render import encode
from stages.simulate.schema import RECORDINGS
from stages.simulate.script import Interval

#: Recordings whose truth is a row group.
GROUP = 64
#: Seconds between frames from which decoding can start: a window far inside a recording is found soon.
SEEKABLE = 2.0


class Rendered(NamedTuple):
    """A written recording: its annotations and its row of RECORDINGS."""

    intervals: list[Interval]
    truth: dict[str, Any]


def make_table(scene: Table, run: Run, processes: int, advance: Callable[[int], None]) -> int:
    """Write all recordings of a scene with annotations and truth; return the number of annotations.

    Each output appears when it is whole, the truth last. Memory does not grow with the number of recordings.
    """
    plans = sorted((plan(scene, number) for number in range(scene.recordings)), key=lambda one: one.clip_id)
    found: dict[str, list[Interval]] = {}
    with renewed(run) as (clips, truth):
        for what, made in drawn(partial(_one, scene, clips), plans, processes, truth, RECORDINGS, GROUP, advance):
            found[what.clip_id] = made.intervals
        write_annotations(clips / "annotations.csv", found)
    return sum(len(intervals) for intervals in found.values())


def write_annotations(path: Path, found: dict[str, list[Interval]]) -> None:
    """Write who does what when: recording, label, start and end in seconds, by recording and time."""
    rows = ([name, one.label, f"{one.start:.3f}", f"{one.end:.3f}"] for name in sorted(found) for one in found[name])
    write_list(path, ["recording", "label", "start", "end"], rows)


def _one(scene: Table, folder: Path, what: Plan) -> Rendered:
    cv2.setNumThreads(1)  # the processes already take every core
    recording = render(scene, what)
    # Without its option for reproducibility x264 gives recordings of this length other bytes now and then.
    options = {"g": str(round(SEEKABLE * scene.fps)), "x264-params": "cpu-independent=1"}
    encode(recording.frames, scene.fps, folder / f"{what.clip_id}.mp4", **options)
    return Rendered(recording.intervals, recording.truth)
