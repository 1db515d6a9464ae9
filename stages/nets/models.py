"""Models by the name of their architecture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stages.nets import r2plus1d, swin3d, transformers_nets
from stages.nets.base import Built, Shape
from stages.nets.params import Net


def build(net: Net, shape: Shape, classes: Sequence[str]) -> Built:
    """Return a model that takes `pixel_values` (B, T, 3, H, W) of `shape` and gives logits (B, C) of `classes`.

    Random weights are drawn from torch's generator.

    Raises:
        InputError: the checkpoint does not load, is of another architecture or knows other classes, or `shape` does not
            suit the architecture.
    """
    if net.architecture == "swin3d":
        return swin3d.build(net, shape, classes)
    if net.architecture == "r2plus1d":
        return r2plus1d.build(net, shape, classes)
    return transformers_nets.build(net, shape, classes)


def save(net: Net, built: Built, shape: Shape, classes: Sequence[str], folder: Path) -> None:
    """Write a model, matrices in half precision; `Net(architecture=..., weights=<folder>)` loads it."""
    if net.architecture == "swin3d":
        swin3d.save(built, shape, classes, folder)
    elif net.architecture == "r2plus1d":
        r2plus1d.save(built, shape, classes, folder)
    else:
        transformers_nets.save(built, shape, folder)


__all__ = ["Built", "Shape", "build", "save"]
