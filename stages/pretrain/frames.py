"""What the simulator rendered, as arrays to learn from: clips of people at home, and windows of recorded tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from PIL import Image

from stages.base.errors import InputError
from stages.base.video import controls
from stages.base.video.sample import sample, uniform_indices
from stages.pretrain.lessons import Activity, Topic

#: Frames of a clip that training knows, evenly spread; questions show some of them.
KNOWN = 6

#: Places that a frame may have: the joints of a person, then those of a table (the simulator's points).
JOINTS, POINTS = 17, 8
PLACES = JOINTS + POINTS

#: Where a place lies that a scene does not have: in no frame.
NOWHERE = -10.0

#: The places' order in a mirrored picture: what was left is right (COCO's order: the nose, then pairs). A table's stay:
#: hands are numbered by worker, and half of the tables are seen in a mirror anyway.
MIRROR = [0, *(joint + 1 if joint % 2 else joint - 1 for joint in range(1, JOINTS)), *range(JOINTS, PLACES)]

#: What is asked of a frame, each a kind of class.
KINDS = ("label", "object", "posture")
#: The class of what has none.
NONE = "none"

_COLUMNS = [
    "clip_id",
    "label",
    "phrase",
    "verb",
    "object",
    "posture",
    "frames",
    "width",
    "height",
    "joints",
    "boxes",
    "masks",
]


@dataclass(frozen=True)
class Clips:
    """N clips."""

    pixels: torch.Tensor
    """(N, KNOWN, 3, H, W), uint8, resized as the model's image processor does."""
    joints: torch.Tensor
    """(N, KNOWN, PLACES, 2), float32: where each place is, as a fraction of width and height, or `NOWHERE`."""
    person: torch.Tensor
    """(N, KNOWN, H, W), bool: where the person and what it holds are seen; of a table newborn, hands and tools."""
    middle: torch.Tensor
    """(N, KNOWN, 2), float32: x and y of the middle of the person's box in pixels of `pixels`; of the frame's middle
    where no person is seen."""
    targets: dict[str, torch.Tensor]
    """(N,) class numbers of label, object and posture."""
    classes: dict[str, list[str]]
    """Names behind the numbers."""
    topics: list[Topic]
    """What is said of each label, in the order of `classes["label"]`."""
    of_table: torch.Tensor
    """(N,) bool: whether it is a window of a table."""


def read_clips(folder: Path, image_processor: Any) -> Clips:
    """Return the clips of a rendered home.

    Raises:
        InputError: the scene is not there.
    """
    rows = pl.read_parquet(truth_of(folder), columns=_COLUMNS).sort("clip_id")
    pixels, joints, persons, middles = [], [], [], []
    for row in rows.iter_rows(named=True):
        frames, _ = sample(folder / "clips" / f"{row['clip_id']}.mp4", KNOWN, frames=row["frames"])
        pixels.append(resized(frames, image_processor))
        known, size = uniform_indices(row["frames"], KNOWN), (row["width"], row["height"])
        joints.append(places(controls.joints(row)[known], size, 0))
        persons.append(scaled(controls.masks(row)[known], pixels[-1].shape[2:]))
        middles.append(middles_of(controls.boxes(row)[known], size, pixels[-1].shape[2:]))
    classes = {name: sorted(rows[name].fill_null(NONE).unique()) for name in KINDS}
    targets = {
        name: torch.tensor([known.index(value or NONE) for value in rows[name]]) for name, known in classes.items()
    }
    first = rows.unique("label", keep="first", maintain_order=True).sort("label")
    topics = [Activity(*row) for row in first.select("label", "phrase", "verb", "object").iter_rows()]
    return Clips(
        torch.stack(pixels),
        torch.from_numpy(np.stack(joints)),
        torch.from_numpy(np.stack(persons)),
        torch.from_numpy(np.stack(middles)),
        targets,
        classes,
        list(topics),
        torch.zeros(len(pixels), dtype=torch.bool),
    )


def truth_of(folder: Path) -> Path:
    """Return the truth table of a rendered scene.

    Raises:
        InputError: the scene is not there.
    """
    truth = folder / "truth.parquet"
    if not truth.exists():
        raise InputError("no such scene", file=truth, do="run the stage simulate for it")
    return truth


def together(one: Clips, other: Clips) -> Clips:
    """Return the clips of two scenes as those of one; a class that both have is one class."""
    classes = {
        kind: [*names, *(name for name in other.classes[kind] if name not in names)]
        for kind, names in one.classes.items()
    }
    moved = {kind: torch.tensor([classes[kind].index(name) for name in names]) for kind, names in other.classes.items()}
    return Clips(
        torch.cat([one.pixels, other.pixels]),
        torch.cat([one.joints, other.joints]),
        torch.cat([one.person, other.person]),
        torch.cat([one.middle, other.middle]),
        {kind: torch.cat([target, moved[kind][other.targets[kind]]]) for kind, target in one.targets.items()},
        classes,
        [*one.topics, *other.topics],
        torch.cat([one.of_table, other.of_table]),
    )


def resized(frames: NDArray[np.uint8], image_processor: Any) -> torch.Tensor:
    """Return frames (T, H, W, 3) as the model's image processor brings them to size, (T, 3, H', W'), uint8."""
    images = [Image.fromarray(frame) for frame in frames]
    made = image_processor(images, do_rescale=False, do_normalize=False, return_tensors="pt")["pixel_values"]
    return torch.as_tensor(made).clamp(0, 255).to(torch.uint8)


def places(pixels: NDArray[np.float32], size: tuple[int, int], first: int) -> NDArray[np.float32]:
    """Return places (T, n, 2) in pixels as fractions, (T, PLACES, 2), from place `first` on; the others `NOWHERE`."""
    found = np.full((len(pixels), PLACES, 2), NOWHERE, np.float32)
    found[:, first : first + pixels.shape[1]] = pixels / np.asarray(size, np.float32)
    return found


def scaled(masks: NDArray[np.bool_], size: Sequence[int]) -> NDArray[np.bool_]:
    """Return masks (T, H, W) brought to `size`, height and width."""
    height, width = size
    found = [cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) for mask in masks.astype(np.uint8)]
    return np.stack(found).astype(np.bool_)


def middles_of(boxes: NDArray[np.int64], size: tuple[int, int], shown: Sequence[int]) -> NDArray[np.float32]:
    """Return the middles (T, 2) of boxes (T, 4) in a frame of `size`, in pixels of one of height and width `shown`."""
    whole = np.asarray([0, 0, *size])
    found = np.where((boxes[:, 2] > boxes[:, 0])[:, None], boxes, whole)
    share = (found[:, :2] + found[:, 2:]) / 2 / np.asarray(size)
    return np.asarray(share * np.asarray([shown[1], shown[0]]), np.float32)
