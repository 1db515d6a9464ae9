"""People of rendered clips as a pose model learns them: frames with the box, the mask and the joints of who is seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch

from stages.base.errors import InputError
from stages.base.video import controls
from stages.base.video.sample import sample, uniform_indices
from stages.pretrain.frames import JOINTS, truth_of

_COLUMNS = ["clip_id", "subject", "frames", "width", "height", "joints", "boxes", "masks"]


@dataclass(frozen=True)
class People:
    """N people, one a frame."""

    pixels: torch.Tensor
    """(N, 3, H, W), uint8, RGB."""
    seen: torch.Tensor
    """(N, H, W), bool: where the person and what it holds are seen."""
    boxes: torch.Tensor
    """(N, 4), float32: left, top, width and height of what is seen, pixels."""
    joints: torch.Tensor
    """(N, 17, 2), float32: COCO's joints in pixels, also where one is hidden or outside."""

    def __len__(self) -> int:
        return len(self.pixels)

    def some(self, kept: torch.Tensor) -> People:
        """Return those of a mask (N,)."""
        return People(self.pixels[kept], self.seen[kept], self.boxes[kept], self.joints[kept])


def read_people(folder: Path, frames: int, held: int) -> tuple[People, People]:
    """Return the people of a rendered scene: those to learn from, and those of each `held`-th subject.

    Args:
        folder: the scene's.
        frames: of a clip, evenly spread; those that show nobody are left out.
        held: of so many subjects one is held out.

    Raises:
        InputError: the scene is not there, its clips differ in size, or one of the two parts shows nobody.
    """
    rows = pl.read_parquet(truth_of(folder), columns=_COLUMNS).sort("clip_id")
    subjects = sorted(rows["subject"].unique())
    out = set(subjects[held - 1 :: held])
    pixels, seen, boxes, joints, of_held = [], [], [], [], []
    for row in rows.iter_rows(named=True):
        known = uniform_indices(row["frames"], frames)
        images, _ = sample(folder / "clips" / f"{row['clip_id']}.mp4", frames, frames=row["frames"])
        for image, mask, box, places in zip(
            images, controls.masks(row)[known], controls.boxes(row)[known], controls.joints(row)[known], strict=True
        ):
            left, top, right, bottom = box.tolist()
            if right > left:
                pixels.append(torch.from_numpy(image).permute(2, 0, 1))
                seen.append(torch.from_numpy(mask))
                boxes.append([left, top, right - left, bottom - top])
                joints.append(places[:JOINTS])
                of_held.append(row["subject"] in out)
    if len({image.shape for image in pixels}) > 1:
        raise InputError("its clips differ in size", file=truth_of(folder), do="render a scene of one size")
    apart = torch.tensor(of_held, dtype=torch.bool)
    if not apart.any() or apart.all():
        do = f"render a scene of {held} subjects or more"
        raise InputError("nobody is seen in one of its two parts", file=truth_of(folder), do=do)
    people = People(
        torch.stack(pixels),
        torch.stack(seen),
        torch.tensor(boxes, dtype=torch.float32),
        torch.from_numpy(np.stack(joints)),
    )
    return people.some(~apart), people.some(apart)
