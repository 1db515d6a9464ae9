"""Windows of recorded tables, as arrays to learn from beside the clips of a home."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch

from stages.base.video import controls
from stages.base.video.decode import read_frames
from stages.base.video.sample import uniform_indices
from stages.pretrain.frames import JOINTS, KNOWN, NONE, Clips, middles_of, places, resized, scaled, truth_of
from stages.pretrain.table_lessons import BABY, LABELS, Deeds

#: Seconds of a window, and from the beginning of one to the next.
LENGTH, HOP = 2.0, 2.0
#: A window has the labels that cover more than this share of it.
SHARE = 0.5

#: What is in use while an activity takes place.
_TOOLS = {"ventilation": "mask", "suction": "suction"}

_COLUMNS = ["clip_id", "frames", "fps", "width", "height", "points", "boxes", "masks"]

Spans = Mapping[str, Sequence[tuple[float, float]]]


class Window(NamedTuple):
    """A stretch of a recording: its first frame, how many it has, and what takes place in most of it."""

    first: int
    frames: int
    deeds: Deeds


def read_windows(folder: Path, image_processor: Any) -> Clips:
    """Return windows of the recordings of a rendered table.

    Raises:
        InputError: the scene is not there.
    """
    rows = pl.read_parquet(truth_of(folder), columns=_COLUMNS).sort("clip_id")
    spans = _annotations(folder / "clips" / "annotations.csv")
    parts: dict[str, list[Any]] = defaultdict(list)
    for row in rows.iter_rows(named=True):
        size = (row["width"], row["height"])
        points = np.asarray(row["points"], np.float32).reshape(row["frames"], -1, 2)
        masks, boxes = controls.masks(row), controls.boxes(row)
        frames, _ = read_frames(folder / "clips" / f"{row['clip_id']}.mp4")
        for window in windows_of(row["frames"], row["fps"], spans[row["clip_id"]]):
            known = [window.first + place for place in uniform_indices(window.frames, KNOWN)]
            pixels = resized(frames[known], image_processor)
            parts["pixels"].append(pixels)
            parts["places"].append(places(points[known], size, JOINTS))
            parts["masks"].append(scaled(masks[known], pixels.shape[2:]))
            parts["middles"].append(middles_of(boxes[known], size, pixels.shape[2:]))
            parts["deeds"].append(window.deeds)
    topics = sorted(set(parts["deeds"]))
    words = {
        "label": [topic.label for topic in topics],
        "object": [next((_TOOLS[label] for label in topic.labels if label in _TOOLS), NONE) for topic in topics],
        "posture": ["lying on the table" if BABY in topic.labels else NONE for topic in topics],
    }
    classes = {kind: sorted(set(said)) for kind, said in words.items()}
    of = torch.tensor([topics.index(deeds) for deeds in parts["deeds"]])
    return Clips(
        torch.stack(parts["pixels"]),
        torch.from_numpy(np.stack(parts["places"])),
        torch.from_numpy(np.stack(parts["masks"])),
        torch.from_numpy(np.stack(parts["middles"])),
        {kind: torch.tensor([classes[kind].index(word) for word in said])[of] for kind, said in words.items()},
        classes,
        sorted(topics, key=lambda topic: topic.label),
        torch.ones(len(of), dtype=torch.bool),
    )


def windows_of(frames: int, fps: float, spans: Spans) -> Iterator[Window]:
    """Yield the windows of a recording with what its annotations say of each."""
    for number in range(int((frames / fps - LENGTH) // HOP) + 1):
        start = number * HOP
        held = tuple(label for label in LABELS if _covered(spans.get(label, ()), start) > SHARE * LENGTH)
        yield Window(round(start * fps), max(1, round(LENGTH * fps)), Deeds(held))


def _covered(spans: Sequence[tuple[float, float]], start: float) -> float:
    """Return for how many seconds of the window from `start` some of the spans last; they do not overlap."""
    return sum(max(0.0, min(end, start + LENGTH) - max(begin, start)) for begin, end in spans)


def _annotations(path: Path) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """Return recording -> label -> its spans, seconds; the file is the simulator's own."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            found[row["recording"]][row["label"]].append((float(row["start"]), float(row["end"])))
    return found
