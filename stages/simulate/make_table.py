"""Render the recordings of a resuscitation table on all cores and write them: videos, annotations, truth, sheet."""

from __future__ import annotations

import csv
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
from stages.simulate.params import Table
from stages.simulate.recording import Plan, Recording, plan, render
from stages.simulate.render import encode
from stages.simulate.schema import RECORDINGS
from stages.simulate.script import DEEDS, Interval
from stages.simulate.sheet import pick, sheet

#: Recordings whose truth is a row group.
GROUP = 64
#: Recordings of which the contact sheet may show something.
SHOWN = 12
#: Seconds between frames from which decoding can start: a window far inside a recording is found soon.
SEEKABLE = 2.0


class Made(NamedTuple):
    """A written recording: its annotations, its row of RECORDINGS and what the sheet may show, by caption."""

    intervals: list[Interval]
    truth: dict[str, Any]
    picked: dict[str, NDArray[np.uint8]]


def make_table(scene: Table, run: Run, processes: int, advance: Callable[[int], None]) -> int:
    """Write all recordings of a scene with annotations, truth and contact sheet; return the number of annotations.

    Each output appears when it is whole, the truth last. Memory does not grow with the number of recordings.
    """
    plans = sorted((plan(scene, number) for number in range(scene.recordings)), key=lambda one: one.clip_id)
    clips, truth = run.data / "clips.part", run.data / "truth.parquet.part"
    shutil.rmtree(clips, ignore_errors=True)
    clips.mkdir(parents=True)
    found: dict[str, list[Interval]] = {}
    shown: dict[int, dict[str, NDArray[np.uint8]]] = {}
    for what, made in drawn(partial(_one, scene, clips), plans, processes, truth, RECORDINGS, GROUP, advance):
        found[what.clip_id], shown[what.number] = made.intervals, made.picked
    write_annotations(clips / "annotations.csv", found)
    shutil.rmtree(run.clips, ignore_errors=True)
    clips.rename(run.clips)
    first: dict[str, NDArray[np.uint8]] = {}
    for number in sorted(shown):
        first = {**shown[number], **first}
    (run.data / "contact_sheet.png").write_bytes(sheet(dict(sorted(first.items()))))
    truth.rename(run.data / "truth.parquet")
    return sum(len(intervals) for intervals in found.values())


def write_annotations(path: Path, found: dict[str, list[Interval]]) -> None:
    """Write who does what when: recording, label, start and end in seconds, by recording and time."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["recording", "label", "start", "end"])
        for name in sorted(found):
            writer.writerows([name, one.label, f"{one.start:.3f}", f"{one.end:.3f}"] for one in found[name])


def _one(scene: Table, folder: Path, what: Plan) -> Made:
    cv2.setNumThreads(1)  # the processes already take every core
    recording = render(scene, what)
    # Without its option for reproducibility x264 gives recordings of this length other bytes now and then.
    options = {"g": str(round(SEEKABLE * scene.fps)), "x264-params": "cpu-independent=1"}
    encode(recording.frames, scene.fps, folder / f"{what.clip_id}.mp4", **options)
    return Made(recording.intervals, recording.truth, _picked(recording, scene.fps) if what.number < SHOWN else {})


def _picked(recording: Recording, fps: float) -> dict[str, NDArray[np.uint8]]:
    """Return for each kind of deed, by its caption, frames (4, H, W, 3) of two seconds of its first time."""
    found: dict[str, NDArray[np.uint8]] = {}
    for deed in [*recording.script.head, *recording.script.body]:
        middle = sum(deed.contact) / 2
        label = DEEDS[deed.kind]
        caption = deed.kind.replace("_", " ") + (f": {label}" if label else ": no activity")
        found.setdefault(caption, pick(_seconds(recording.frames, middle - 1, middle + 1, fps)))
    return found


def _seconds(frames: NDArray[np.uint8], start: float, end: float, fps: float) -> NDArray[np.uint8]:
    return frames[max(0, round(start * fps)) : max(1, round(end * fps))]
