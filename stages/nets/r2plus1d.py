"""Factorised convolutions over space and time, after R(2+1)D (Tran et al., CVPR 2018), at any width.

Each residual block halves the frames' size and lets a convolution over time follow the one over space. A transformer
has to learn from data what a convolution has built in: with a few hundred clips and random weights this is the
supervised model to beat.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from stages.nets.base import Built, Shape, check_options, fill, ordered_head
from stages.nets.folder import read_folder, write_folder
from stages.nets.params import Net
from stages.nets.stem import with_motion

HEAD = ("head.weight", "head.bias")
#: Channels after the first convolution and after each block; whether a block mixes over time; dropout before the head.
DEFAULTS: dict[str, Any] = {"channels": [24, 24, 32, 64, 128], "over_time": [False, True, True, True], "dropout": 0.3}


class Block(nn.Module):
    """Space, time, space, beside a shortcut: (B, C, T, H, W) to (B, C', T, H / 2, W / 2)."""

    def __init__(self, before: int, after: int, over_time: bool) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv3d(before, after, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False), nn.BatchNorm3d(after), nn.ReLU()
        )
        self.time = (
            nn.Sequential(
                nn.Conv3d(after, after, (3, 1, 1), 1, (1, 0, 0), bias=False), nn.BatchNorm3d(after), nn.ReLU()
            )
            if over_time
            else nn.Identity()
        )
        self.second = nn.Sequential(nn.Conv3d(after, after, (1, 3, 3), 1, (0, 1, 1), bias=False), nn.BatchNorm3d(after))
        self.skip = nn.Sequential(nn.Conv3d(before, after, 1, (1, 2, 2), bias=False), nn.BatchNorm3d(after))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return the block's maps."""
        return F.relu(self.skip(maps) + self.second(self.time(self.first(maps))))


class R2Plus1d(nn.Module):
    """Forward takes `pixel_values` (B, T, 3, H, W) of any size and returns logits (B, C)."""

    def __init__(self, options: Mapping[str, Any], classes: int, motion: bool) -> None:
        super().__init__()
        self.options, self.motion = DEFAULTS | dict(options), motion
        channels, over_time = self.options["channels"], self.options["over_time"]
        self.stem = nn.Sequential(
            nn.Conv3d(6 if motion else 3, channels[0], (1, 5, 5), (1, 2, 2), (0, 2, 2), bias=False),
            nn.BatchNorm3d(channels[0]),
            nn.ReLU(),
        )
        sides = zip(channels, channels[1:], over_time, strict=False)
        self.layers = nn.Sequential(*(Block(*one) for one in sides))
        self.dropout = nn.Dropout(self.options["dropout"])
        self.head = nn.Linear(channels[-1], classes)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Return logits (B, C)."""
        clips = pixel_values.transpose(1, 2)  # (B, 3, T, H, W)
        if self.motion:
            clips = with_motion(clips)
        maps = self.layers(self.stem(clips.contiguous(memory_format=torch.channels_last_3d)))
        out: torch.Tensor = self.head(self.dropout(maps.mean((2, 3, 4))))
        return out


def build(net: Net, shape: Shape, classes: Sequence[str]) -> Built:
    """Return a model for these classes; random weights are drawn from torch's generator.

    Raises:
        InputError: the checkpoint does not load, is of another architecture or knows other classes.
    """
    check_options("R(2+1)D", net.options, DEFAULTS)
    if net.weights is None:
        model = R2Plus1d(net.options, len(classes), net.stem == "motion")
        return Built(model, net.mean or (0.5, 0.5, 0.5), net.std or (0.25, 0.25, 0.25))
    config, state = read_folder(net.weights, "r2plus1d")
    model = R2Plus1d(config["options"] | net.options, len(classes), config["stem"] == "motion")
    remake = net.head == "remake"
    state = ordered_head(state, HEAD, config["classes"], classes, remake, net.weights)
    fill(model, state, HEAD if remake else [], net.weights)
    return Built(model, net.mean or tuple(config["mean"]), net.std or tuple(config["std"]))


def save(built: Built, shape: Shape, classes: Sequence[str], folder: Path) -> None:
    """Write weights and a config.json of what they are; `build` with this folder as weights loads them."""
    stem = "motion" if built.model.motion else "convolutions"
    write_folder(folder, built, shape, classes, {"architecture": "r2plus1d", "stem": stem})
