"""What the simulator rendered, as arrays to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from PIL import Image

from stages.core.errors import InputError
from stages.pretrain.lessons import Activity
from stages.video.sample import sample, uniform_indices

#: Frames of a clip that training knows, evenly spread; questions show some of them.
KNOWN = 6

_COLUMNS = ["clip_id", "label", "phrase", "verb", "object", "posture", "frames", "width", "height", "joints"]


@dataclass(frozen=True)
class Clips:
    """N clips."""

    pixels: torch.Tensor
    """(N, KNOWN, 3, H, W), uint8, resized as the model's image processor does."""
    joints: torch.Tensor
    """(N, KNOWN, 17, 2), float32: where each joint is, as a fraction of width and height."""
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
    pixels, joints = [], []
    for row in rows.iter_rows(named=True):
        frames, _ = sample(folder / "clips" / f"{row['clip_id']}.mp4", KNOWN, frames=row["frames"])
        pixels.append(_resized(frames, image_processor))
        joints.append(_joints(row))
    classes = {name: sorted(rows[name].fill_null("none").unique()) for name in ("label", "object", "posture")}
    targets = {
        name: torch.tensor([known.index(value or "none") for value in rows[name]]) for name, known in classes.items()
    }
    first = rows.unique("label", keep="first", maintain_order=True).sort("label")
    activities = [Activity(*row) for row in first.select("label", "phrase", "verb", "object").iter_rows()]
    return Clips(torch.stack(pixels), torch.from_numpy(np.stack(joints)), targets, classes, activities)


def _resized(frames: NDArray[np.uint8], image_processor: Any) -> torch.Tensor:
    images = [Image.fromarray(frame) for frame in frames]
    made = image_processor(images, do_rescale=False, do_normalize=False, return_tensors="pt")["pixel_values"]
    return torch.as_tensor(made).clamp(0, 255).to(torch.uint8)  # (KNOWN, 3, H, W)


def _joints(row: dict[str, Any]) -> NDArray[np.float32]:
    where = np.asarray(row["joints"], np.float32).reshape(row["frames"], 17, 2)
    where /= np.asarray([row["width"], row["height"]], np.float32)
    return where[uniform_indices(row["frames"], KNOWN)]
