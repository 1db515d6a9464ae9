"""Clips under controls, as a vision tower sees them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from stages.core.errors import InputError
from stages.core.torchvision_ops import declare_missing_ops
from stages.video import controls
from stages.video.decode import read_frames
from stages.video.sample import uniform_indices

declare_missing_ops()

from transformers import AutoModelForImageTextToText, AutoProcessor  # noqa: E402 (its processors import torchvision)

#: What controls look at of a clip's truth.
_COLUMNS = ["clip_id", "frames", "height", "width", "boxes", "plate"]

Floats = NDArray[np.float32]


class Tower:
    """The frozen vision tower of a VLM in a folder of `save_pretrained`."""

    def __init__(self, folder: Path) -> None:
        """Load it.

        Raises:
            InputError: there is no such folder.
        """
        if not (folder / "config.json").exists():
            raise InputError("no model: it has no config.json", file=folder, do="run the stage pretrain, or `dvc pull`")
        self._images: Any = AutoProcessor.from_pretrained(folder).image_processor  # type: ignore[no-untyped-call]
        model: Any = AutoModelForImageTextToText.from_pretrained(folder)
        self._tower: Any = model.eval().model.vision_tower

    @torch.no_grad()
    def look(self, frames: NDArray[np.uint8]) -> Floats:
        """Return mean and maximum of each feature of the last map, frame by frame, (T * 2 * C,), of (T, H, W, 3)."""
        pixels = self._images(list(frames), return_tensors="pt")["pixel_values"]
        found = self._tower(pixels).last_hidden_state.flatten(2)  # (T, C, cells)
        return np.asarray(torch.cat([found.mean(2), found.amax(2)], 1).flatten().numpy(), np.float32)


class Seen(NamedTuple):
    """A clip's features under each control, `none` for the clip as it is."""

    clip_id: str
    features: Mapping[str, Floats]


def read_truths(path: Path) -> dict[str, dict[str, Any]]:
    """Return what the simulator knows of each clip.

    Raises:
        InputError: there is no such file.
    """
    if not path.exists():
        raise InputError("no such file", file=path, do="controls need rendered clips: run the stage simulate for them")
    rows = pl.read_parquet(path, columns=_COLUMNS)
    return {row["clip_id"]: row for row in rows.iter_rows(named=True)}


def look(
    tower: Tower,
    clips: Iterable[tuple[str, str, list[str]]],
    truths: Mapping[str, Mapping[str, Any]],
    count: int,
    seed: int,
) -> Iterator[Seen]:
    """Yield what the tower sees of `count` frames of each clip, given as id, path and the controls wanted.

    Raises:
        InputError: the truth lacks a clip.
    """
    for clip_id, path, wanted in clips:
        if clip_id not in truths:
            raise InputError("the truth lacks the clip", file=path, row=clip_id, do="render the scene again")
        whole, _ = read_frames(path)
        picked = uniform_indices(len(whole), count)
        made = {name: controls.apply(name, whole, truths[clip_id], seed)[picked] for name in wanted}
        yield Seen(clip_id, {name: tower.look(shown) for name, shown in ({"none": whole[picked]} | made).items()})
