"""A look at a clip: which frames, which part of them, which light; the same for every frame of the clip.

What a clip undergoes depends on the seed, the epoch and the clip's place alone, not on its batch or device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch.nn import functional as F

from stages.learn.params import Augmentation, Pixels, Views


class View(NamedTuple):
    """How one clip is looked at."""

    places: NDArray[np.int64]
    """(T,): which of the kept frames, in order."""
    box: tuple[float, float, float, float]
    """Left, top, width and height of what is seen, as shares of the frame; a negative width mirrors it."""
    light: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    """Factors of brightness, contrast, saturation and of the three channels."""


def draw(pixels: Pixels, change: Augmentation, rng: Generator) -> View:
    """Return a random look, for training."""
    start = rng.uniform(0, 1 - pixels.window)
    within = rng.random(pixels.frames) if change.jitter else np.full(pixels.frames, 0.5)
    area, ratio = rng.uniform(*change.crop), np.exp(rng.uniform(*np.log(change.ratio)))
    width, height = min(1.0, np.sqrt(area * ratio)), min(1.0, np.sqrt(area / ratio))
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    mirrored = change.flip and rng.random() < 0.5
    box = (left + width, top, -width, height) if mirrored else (left, top, width, height)
    spans = (change.brightness, change.contrast, change.saturation, change.tint, change.tint, change.tint)
    light = tuple(1 + span * rng.uniform(-1, 1) for span in spans)
    return View(places(pixels, start, within), box, light)


def views_at_test(pixels: Pixels, views: Views) -> list[View]:
    """Return the looks at test time, times first, then places; without several views, the one centred look."""
    width, height = pixels.kept_size
    side = views.crop
    offsets = {1: [0.5], 3: [0.0, 0.5, 1.0]}[views.places]
    found = []
    for time in range(views.times):
        share = (time + 0.5) / views.times
        # A look over the whole clip has no room to move: its frames move within their parts of it.
        within = 0.5 if pixels.window < 1 else share
        start = (1 - pixels.window) * share
        for offset in offsets:
            left, top = (offset, 0.5) if width >= height else (0.5, offset)
            box = (left * (1 - side), top * (1 - side), side, side)
            found.append(View(places(pixels, start, np.full(pixels.frames, within)), box))
    return found


def places(pixels: Pixels, start: float, within: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which kept frames a look takes, (T,): its window is cut into T parts, and `within` says where in each."""
    at = (start + pixels.window * (np.arange(pixels.frames) + within) / pixels.frames) * pixels.kept
    return np.minimum(at.astype(np.int64), pixels.kept - 1)


def seen(frames: torch.Tensor, chosen: Sequence[View], size: tuple[int, int]) -> torch.Tensor:
    """Return what looks see: float32 (B, T, 3, H, W), values 0 to 1.

    Args:
        frames: (B, T, h, w, 3) uint8, the looks' frames.
        chosen: B looks.
        size: W and H.
    """
    batch, time = frames.shape[:2]
    width, height = size
    images = frames.permute(0, 1, 4, 2, 3).float() / 255  # (B, T, 3, h, w)
    if any(look.box != (0.0, 0.0, 1.0, 1.0) for look in chosen) or tuple(images.shape[-2:]) != (height, width):
        boxes = torch.tensor([look.box for look in chosen], dtype=torch.float32, device=images.device)
        left, top, across, down = boxes.unbind(1)
        zero = torch.zeros_like(left)
        rows = [torch.stack([across, zero, 2 * left + across - 1], 1), torch.stack([zero, down, 2 * top + down - 1], 1)]
        grid = F.affine_grid(torch.stack(rows, 1), [batch, 1, height, width], align_corners=False)
        grid = grid.repeat_interleave(time, 0)  # the same for every frame of a clip
        images = F.grid_sample(images.flatten(0, 1), grid, padding_mode="border", align_corners=False)
        images = images.view(batch, time, 3, height, width)
    if any(look.light != View._field_defaults["light"] for look in chosen):
        images = relit(images, torch.tensor([look.light for look in chosen], dtype=torch.float32, device=images.device))
    return images


def relit(images: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """Return images (B, T, 3, H, W) under other light (B, 6): see `View.light`; values stay within 0 and 1."""
    bright, contrast, saturation = (light[:, i].view(-1, 1, 1, 1, 1) for i in range(3))
    images = images * bright * light[:, None, 3:, None, None]
    images = images + (1 - contrast) * (images.mean((1, 2, 3, 4), keepdim=True) - images)
    grey = (images * images.new_tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(2, keepdim=True)
    return (grey + saturation * (images - grey)).clamp(0, 1)
