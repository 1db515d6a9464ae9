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

from stages.base.video.sample import dense_indices, segment_indices
from stages.learn.params import Augmentation, Pixels, Views

#: Weights of the channels in what the eye takes for brightness (ITU-R BT.601), and as torchvision rounds them.
_GREY, _ROUNDED_GREY = (0.299, 0.587, 0.114), (0.2989, 0.587, 0.114)

#: What `View.order` counts; brightness is 0.
_CONTRAST, _SATURATION, _HUE = 1, 2, 3


class View(NamedTuple):
    """How one clip is looked at."""

    places: NDArray[np.int64]
    """(T,): which of the kept frames, in order."""
    box: tuple[float, float, float, float]
    """Left, top, width and height of what is seen, as shares of the frame; a negative width mirrors it."""
    light: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)
    """Factors of brightness, contrast, saturation and of the three channels."""
    hue: float = 0.0
    """How far the hue is turned, as a share of the circle."""
    order: tuple[int, ...] = ()
    """In which order brightness 0, contrast 1, saturation 2 and hue 3 change, each as torchvision changes it; empty: as
    `relit` does."""
    time: float = 0.5
    """Where in a clip's time a look of `views` is: for `placed`."""


def draw(pixels: Pixels, change: Augmentation, rng: Generator, frames: int = 0) -> View:
    """Return a random look, for training; `frames` are the clip's, where all of them are kept."""
    if pixels.kept is None:
        look = _draw(pixels, change, rng, np.empty(0, np.int64))
        return look._replace(places=_sampled(pixels, frames, rng))
    start = rng.uniform(0, 1 - pixels.window)
    within = rng.random(pixels.frames) if change.jitter else np.full(pixels.frames, 0.5)
    return _draw(pixels, change, rng, places(pixels, start, within))


def _draw(pixels: Pixels, change: Augmentation, rng: Generator, taken: NDArray[np.int64]) -> View:
    area, ratio = rng.uniform(*change.crop), np.exp(rng.uniform(*np.log(change.ratio)))
    width, height = min(1.0, np.sqrt(area * ratio)), min(1.0, np.sqrt(area / ratio))
    if change.short is not None:
        width, height = _within(pixels, rng.uniform(*change.short))
    left, top = rng.uniform(0, 1 - width), rng.uniform(0, 1 - height)
    mirrored = change.flip and rng.random() < 0.5
    box = (left + width, top, -width, height) if mirrored else (left, top, width, height)
    spans = (change.brightness, change.contrast, change.saturation, change.tint, change.tint, change.tint)
    light = tuple(1 + span * rng.uniform(-1, 1) for span in spans)
    if change.order == "fixed":
        return View(taken, box, light)
    hue, order = change.hue * rng.uniform(-1, 1), tuple(rng.permutation(4).tolist())
    return View(taken, box, light, hue, order)


def _within(pixels: Pixels, factor: float) -> tuple[float, float]:
    """Return the shares of a kept frame's sides that a cut of the model's size has.

    The frame's shorter side is int(`factor` times the model's shorter one).
    """
    (width, height), (across, down) = pixels.kept_size, pixels.size
    scale = int(min(across, down) * factor) / min(width, height)
    return min(1.0, across / (width * scale)), min(1.0, down / (height * scale))


def _sampled(pixels: Pixels, frames: int, rng: Generator | None, share: float = 0.5) -> NDArray[np.int64]:
    """Return which of all frames of a clip are seen, (T,)."""
    if pixels.sampling == "dense":
        return np.array(dense_indices(frames, pixels.frames, pixels.stride, rng, share), np.int64)
    return np.array(segment_indices(frames, pixels.frames, rng, share), np.int64)


def placed(look: View, pixels: Pixels, frames: int) -> View:
    """Return a look of `views_at_test` at a clip of so many frames; where some are kept, it has its places already."""
    return look if pixels.kept is not None else look._replace(places=_sampled(pixels, frames, None, look.time))


def views_at_test(pixels: Pixels, views: Views) -> list[View]:
    """Return the looks at test time, times first, then places; without several views, the one centred look."""
    width, height = pixels.kept_size
    across, down = views.crop, views.crop
    if views.aspect == "model":
        across, down = (views.crop * share for share in _within(pixels, 1.0))
    offsets = {1: [0.5], 3: [0.0, 0.5, 1.0]}[views.places]
    found = []
    for time in range(views.times):
        share = (time + 0.5) / views.times
        # A look over the whole clip has no room to move: its frames move within their parts of it.
        within = 0.5 if pixels.window < 1 else share
        start = (1 - pixels.window) * share
        for offset in offsets:
            left, top = (offset, 0.5) if width >= height else (0.5, offset)
            box = (left * (1 - across), top * (1 - down), across, down)
            if pixels.kept is None:
                found.append(View(np.empty(0, np.int64), box, time=share))
            else:
                found.append(View(places(pixels, start, np.full(pixels.frames, within)), box))
    return found


def places(pixels: Pixels, start: float, within: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return which kept frames a look takes, (T,): its window is cut into T parts, and `within` says where in each."""
    kept = pixels.kept or 0
    at = (start + pixels.window * (np.arange(pixels.frames) + within) / pixels.frames) * kept
    return np.minimum(at.astype(np.int64), kept - 1)


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
    if any(look.order for look in chosen):
        return torch.stack([_jittered(clip, look) for clip, look in zip(images, chosen, strict=True)])
    if any(look.light != View._field_defaults["light"] for look in chosen):
        images = relit(images, torch.tensor([look.light for look in chosen], dtype=torch.float32, device=images.device))
    return images


def _jittered(clip: torch.Tensor, look: View) -> torch.Tensor:
    """Return a clip (T, 3, H, W) under a look's light, each change as torchvision's, in the look's order."""
    for change in look.order:
        if change == _HUE:
            clip = turned(clip, look.hue)
            continue
        factor, other = look.light[change], torch.zeros(())  # brightness: towards black
        if change == _CONTRAST:
            other = _grey(clip).mean((1, 2, 3), keepdim=True)
        elif change == _SATURATION:
            other = _grey(clip)
        clip = (factor * clip + (1 - factor) * other.to(clip.device)).clamp(0, 1)
    tints = clip.new_tensor(look.light[3:]).view(3, 1, 1)
    return (clip * tints).clamp(0, 1)


def _grey(images: torch.Tensor) -> torch.Tensor:
    return (images * images.new_tensor(_ROUNDED_GREY).view(3, 1, 1)).sum(-3, keepdim=True)


def turned(images: torch.Tensor, hue: float) -> torch.Tensor:
    """Return images (..., 3, H, W) with the hue turned by a share of the circle: through hue, saturation and value."""
    value, least = images.amax(-3), images.amin(-3)
    chroma = value - least
    safe = torch.where(chroma > 0, chroma, 1.0)
    red, green, blue = ((value - channel) / safe for channel in images.unbind(-3))
    r, g, _ = images.unbind(-3)
    sixth = torch.where(value == r, blue - green, torch.where(value == g, 2 + red - blue, 4 + green - red))
    sixth = (sixth + 6 * hue) % 6
    # A channel is the value, less the chroma as far as the hue is away from it.
    offsets = images.new_tensor([5.0, 3.0, 1.0]).view(3, 1, 1)
    away = (offsets + sixth.unsqueeze(-3)) % 6
    return value.unsqueeze(-3) - chroma.unsqueeze(-3) * torch.minimum(away, 4 - away).clamp(0, 1)


def relit(images: torch.Tensor, light: torch.Tensor) -> torch.Tensor:
    """Return images (B, T, 3, H, W) under other light (B, 6): see `View.light`; values stay within 0 and 1."""
    bright, contrast, saturation = (light[:, i].view(-1, 1, 1, 1, 1) for i in range(3))
    images = images * bright * light[:, None, 3:, None, None]
    images = images + (1 - contrast) * (images.mean((1, 2, 3, 4), keepdim=True) - images)
    grey = (images * images.new_tensor(_GREY).view(3, 1, 1)).sum(2, keepdim=True)
    return (grey + saturation * (images - grey)).clamp(0, 1)
