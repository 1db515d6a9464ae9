"""Video Swin, as torchvision has it, for any number of frames, any size and any window.

A window never exceeds the map that it lies in: where the map is small, the block's window is the map, and its table of
relative positions has that size, so that each entry means one offset (torchvision would cut a larger table at its
corner). A checkpoint's tables are brought to the windows asked for, as Swin's authors do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torchvision.models.swin_transformer import SwinTransformerBlock
from torchvision.models.video import swin_transformer

from stages.base.errors import InputError
from stages.nets.base import Built, Shape, State, check_options, fill, ordered_head
from stages.nets.folder import read_folder, write_folder
from stages.nets.params import Net
from stages.nets.stem import Stem

HEAD = ("head.weight", "head.bias")
#: Those of swin3d_t (Liu et al. 2022, table 1).
TINY: dict[str, Any] = {
    "patch_size": [2, 4, 4],
    "embed_dim": 96,
    "depths": [2, 2, 6, 2],
    "num_heads": [3, 6, 12, 24],
    "window_size": [8, 7, 7],
    "mlp_ratio": 4.0,
    "dropout": 0.0,
    "attention_dropout": 0.0,
    "stochastic_depth_prob": 0.1,
}
_TABLE = "relative_position_bias_table"
Sizes = tuple[int, int, int]


class Swin3d(nn.Module):
    """Video Swin for clips of one shape; forward takes `pixel_values` (B, T, 3, H, W) and returns logits (B, C)."""

    patch_embed: nn.Module
    pos_drop: nn.Module
    features: nn.Sequential
    norm: nn.Module
    head: nn.Linear

    def __init__(self, options: Mapping[str, Any], shape: Shape, classes: int, stem: str) -> None:
        super().__init__()
        self.options, self.stem = TINY | dict(options), stem
        self._again: dict[str, Any] | None = None
        patch = self.options["patch_size"]
        first = tuple(-(-side // step) for side, step in zip(shape_sides(shape), patch, strict=True))

        def block(dim: int, heads: int, window_size: list[int], shift_size: list[int], **others: Any) -> Any:
            stage = (dim // self.options["embed_dim"]).bit_length() - 1
            sides = (first[0], -(-first[1] // 2**stage), -(-first[2] // 2**stage))
            window = [min(want, side) for want, side in zip(window_size, sides, strict=True)]
            shift = [
                0 if want >= side else step for want, side, step in zip(window_size, sides, shift_size, strict=True)
            ]
            return SwinTransformerBlock(dim, heads, window_size=window, shift_size=shift, **others)

        embed = None if stem == "patches" else partial(_ConvolutionalEmbedding, shape.frames, stem == "motion")
        net = swin_transformer.SwinTransformer3d(**self.options, num_classes=classes, block=block, patch_embed=embed)
        # The parts stand here by themselves, so that a checkpoint of torchvision's fits name by name.
        for name, part in net.named_children():
            self.add_module(name, part)

    def gradient_checkpointing_enable(self, options: Mapping[str, Any]) -> None:
        """Compute each block's activations again in the backward pass."""
        self._again = dict(options)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Return logits (B, C) of clips (B, T, 3, H, W)."""
        tokens = self.pos_drop(self.patch_embed(pixel_values.transpose(1, 2)))  # (B, t, h, w, D)
        for stage in self.features:
            for part in stage if isinstance(stage, nn.Sequential) else [stage]:
                again = self._again if self.training else None
                tokens = part(tokens) if again is None else checkpoint(part, tokens, **again)
        pooled = self.norm(tokens).mean((1, 2, 3))
        out: torch.Tensor = self.head(pooled)
        return out


class _ConvolutionalEmbedding(nn.Module):
    def __init__(self, frames: int, motion: bool, patch_size: Sequence[int], embed_dim: int, norm_layer: Any) -> None:
        super().__init__()
        self.proj = Stem(embed_dim, patch_size[1], patch_size[0], frames, motion)
        self.norm = norm_layer(embed_dim)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.norm(self.proj(clips).permute(0, 2, 3, 4, 1))
        return out


def shape_sides(shape: Shape) -> Sizes:
    """Return a shape as time, height and width."""
    return shape.frames, shape.height, shape.width


def build(net: Net, shape: Shape, classes: Sequence[str]) -> Built:
    """Return a model for clips of `shape` and these classes; random weights are drawn from torch's generator.

    Raises:
        InputError: the checkpoint does not load, is of another architecture or knows other classes.
    """
    check_options("Video Swin", net.options, TINY)
    if net.weights is None:
        model = Swin3d(net.options, shape, len(classes), net.stem)
        return Built(model, net.mean or (0.5, 0.5, 0.5), net.std or (0.25, 0.25, 0.25))
    config, state = _read(net.weights)
    model = Swin3d(config["options"] | net.options, shape, len(classes), config["stem"])
    remake = net.head == "remake"
    state = ordered_head(_resized(state, model, config), HEAD, config["classes"], classes, remake, net.weights)
    fill(model, state, HEAD if remake else [], net.weights)
    return Built(model, net.mean or tuple(config["mean"]), net.std or tuple(config["std"]))


def save(built: Built, shape: Shape, classes: Sequence[str], folder: Path) -> None:
    """Write weights and a config.json of what they are; `build` with this folder as weights loads them."""
    more = {"architecture": "swin3d", "stem": built.model.stem, "windows": _windows(built.model)}
    write_folder(folder, built, shape, classes, more)


def _windows(model: nn.Module) -> dict[str, list[int]]:
    """Return the window of each block, by the beginning of its weights' names."""
    return {
        name: list(part.window_size)
        for name, part in model.named_modules()
        if isinstance(part, swin_transformer.ShiftedWindowAttention3d)
    }


def _read(weights: str) -> tuple[dict[str, Any], State]:
    """Return what a checkpoint says of itself, and its weights: a folder of `save`, or torchvision's by name."""
    if weights.startswith("torchvision/"):
        return _torchvision(weights.removeprefix("torchvision/"))
    return read_folder(weights, "swin3d")


def _torchvision(name: str) -> tuple[dict[str, Any], State]:
    known = swin_transformer.Swin3D_T_Weights
    if name not in known.__members__:
        raise InputError(
            f"torchvision has no weights {name}",
            file="params.yaml",
            key="weights",
            do=f"name one of torchvision/{', torchvision/'.join(known.__members__)}",
        )
    chosen = known[name]
    try:
        state: State = chosen.get_state_dict(progress=False, check_hash=True)
    except OSError as error:
        raise InputError(
            f"cannot be fetched: {error}",
            file=chosen.url,
            key="weights",
            do="fetch it where there is a network (TORCH_HOME)",
        ) from None
    look = chosen.transforms()
    config = {
        "options": {},
        "stem": "patches",
        "classes": chosen.meta["categories"],
        "windows": {},
        "mean": look.mean,
        "std": look.std,
    }
    return config, state


def _resized(state: State, model: Swin3d, config: Mapping[str, Any]) -> State:
    """Bring the tables of relative positions to the windows of `model`, trilinear; indices are the model's own."""
    changed = {name: value for name, value in model.state_dict().items() if name.endswith("relative_position_index")}
    given = config["windows"]
    for name, new in _windows(model).items():
        table = state.get(f"{name}.{_TABLE}")
        old = given.get(name) or (TINY | config["options"])["window_size"]
        if table is not None and list(old) != list(new):
            sides = [2 * side - 1 for side in old]
            volume = table.view(1, *sides, -1).permute(0, 4, 1, 2, 3)
            volume = F.interpolate(volume, size=[2 * side - 1 for side in new], mode="trilinear", align_corners=False)
            changed[f"{name}.{_TABLE}"] = volume.permute(0, 2, 3, 4, 1).flatten(0, 3)
    return state | changed
