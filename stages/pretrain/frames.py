"""What the simulator rendered, as arrays to learn from."""

from __future__ import annotations

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
from stages.pretrain.lessons import Activity
from stages.video import controls
from stages.video.sample import sample, uniform_indices

#: Frames of a clip that training knows, evenly spread; questions show some of them.
KNOWN = 6

#: The joints' order in a mirrored picture: what was left is right (COCO's order: the nose, then pairs).
MIRROR = [0, *(joint + 1 if joint % 2 else joint - 1 for joint in range(1, 17))]

_COLUMNS = ["clip_id", "label", "phrase", "verb", "object", "posture", "frames", "width", "height", "joints",
            "boxes", "masks"]  # fmt: skip


@dataclass(frozen=True)
class Clips:
    """N clips."""

    pixels: torch.Tensor
    """(N, KNOWN, 3, H, W), uint8, resized as the model's image processor does."""
    joints: torch.Tensor
    """(N, KNOWN, 17, 2), float32: where each joint is, as a fraction of width and height."""
    person: torch.Tensor
    """(N, KNOWN, H, W), bool: where the person and what it holds are seen."""
    middle: torch.Tensor
    """(N, KNOWN, 2), float32: x and y of the middle of the person's box in pixels of `pixels`; of the frame's middle
    where no person is seen."""
    targets: dict[str, torch.Tensor]
    """(N,) class numbers of label, object and posture."""
    classes: dict[str, list[str]]
    """Names behind the numbers."""
    activities: list[Activity]
    """One a label, in the order of `classes["label"]`."""


def read_clips(folder: Path, image_processor: Any) -> Clips:
    """Return the clips of a rendered scene.

    Raises:
        InputError: the scene is not there.
    """
    truth = folder / "truth.parquet"
    if not truth.exists():
        raise InputError("no such scene", file=truth, do="run the stage simulate for it")
    rows = pl.read_parquet(truth, columns=_COLUMNS).sort("clip_id")
    pixels, joints, persons, middles = [], [], [], []
    for row in rows.iter_rows(named=True):
        frames, _ = sample(folder / "clips" / f"{row['clip_id']}.mp4", KNOWN, frames=row["frames"])
        pixels.append(_resized(frames, image_processor))
        known, size = uniform_indices(row["frames"], KNOWN), (row["width"], row["height"])
        height, width = pixels[-1].shape[2:]
        joints.append(controls.joints(row)[known] / np.asarray(size, np.float32))
        masks = controls.masks(row)[known].astype(np.uint8)
        persons.append([cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) for mask in masks])
        middles.append(_middles(controls.boxes(row)[known], size) * np.asarray([width, height], np.float32))
    classes = {name: sorted(rows[name].fill_null("none").unique()) for name in ("label", "object", "posture")}
    targets = {
        name: torch.tensor([known.index(value or "none") for value in rows[name]]) for name, known in classes.items()
    }
    first = rows.unique("label", keep="first", maintain_order=True).sort("label")
    activities = [Activity(*row) for row in first.select("label", "phrase", "verb", "object").iter_rows()]
    return Clips(
        torch.stack(pixels),
        torch.from_numpy(np.stack(joints)),
        torch.from_numpy(np.stack(persons).astype(np.bool_)),
        torch.from_numpy(np.stack(middles)),
        targets,
        classes,
        activities,
    )


def _resized(frames: NDArray[np.uint8], image_processor: Any) -> torch.Tensor:
    images = [Image.fromarray(frame) for frame in frames]
    made = image_processor(images, do_rescale=False, do_normalize=False, return_tensors="pt")["pixel_values"]
    return torch.as_tensor(made).clamp(0, 255).to(torch.uint8)  # (KNOWN, 3, H, W)


def _middles(boxes: NDArray[np.int64], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the middles of boxes (T, 4) as fractions of the frame, (T, 2)."""
    whole = np.asarray([0, 0, *size])
    found = np.where((boxes[:, 2] > boxes[:, 0])[:, None], boxes, whole)
    middles: NDArray[np.float32] = ((found[:, :2] + found[:, 2:]) / 2 / np.asarray(size)).astype(np.float32)
    return middles
