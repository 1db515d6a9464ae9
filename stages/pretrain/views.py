"""Views of training frames: cut, zoomed and mirrored windows, with what the simulator knows carried along.

A person fills a small part of a frame. Windows around the person spend a step's arithmetic where there is something to
learn, and no two steps see the same picture.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

from stages.pretrain.frames import MIRROR, Clips


class View(NamedTuple):
    """B windows of frames."""

    pixels: torch.Tensor
    """(B, 3, h, w), float32, 0 to 255."""
    person: torch.Tensor
    """(B, 1, h, w), float32: 1 where the person, or what it holds, is seen."""
    joints: torch.Tensor
    """(B, PLACES, 2): x and y of the joints as fractions of the window; outside of 0 to 1 where one is not in it."""


def windows(
    clips: Clips,
    clip: torch.Tensor,
    frame: torch.Tensor,
    size: tuple[int, int],
    zoom: tuple[float, float],
    draw: torch.Generator,
) -> View:
    """Return windows of `size` (width, height) around the person of frames `frame` (B,) of clips `clip` (B,).

    `zoom` bounds the pixels of the frame for one of the window. Half of the windows are mirrored, all are relit.
    """
    pixels = clips.pixels[clip, frame].float()
    person = clips.person[clip, frame].float().unsqueeze(1)
    height, width = pixels.shape[2:]
    count = len(clip)
    full = torch.tensor([width, height], dtype=torch.float32)
    half = torch.tensor(size, dtype=torch.float32) / 2 * _between(zoom[0], zoom[1], (count, 1), draw)
    # Anywhere around the person, but not beyond the frame's edges where the window is smaller than the frame.
    middle = clips.middle[clip, frame] + _between(-0.5, 0.5, (count, 2), draw) * half
    low = torch.minimum(half, full / 2)
    middle = torch.maximum(torch.minimum(middle, full - low), low)
    flip = torch.where(torch.rand(count, generator=draw) < 0.5, -1.0, 1.0)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = flip * half[:, 0] / (width / 2), half[:, 1] / (height / 2)
    theta[:, :, 2] = middle / (full / 2) - 1
    grid = F.affine_grid(theta, [count, 3, size[1], size[0]], align_corners=False)
    joints = (clips.joints[clip, frame] * full - middle[:, None]) / (2 * half[:, None])
    joints[..., 0] *= flip[:, None]
    joints = joints + 0.5
    joints = torch.where((flip < 0)[:, None, None], joints[:, MIRROR], joints)
    seen = F.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    return View(_relit(seen, draw), F.grid_sample(person, grid, align_corners=False), joints)


def _relit(pixels: torch.Tensor, draw: torch.Generator) -> torch.Tensor:
    """Change light and colours."""
    count = len(pixels)
    gain = 1 + 0.12 * torch.randn(count, 1, 1, 1, generator=draw) + 0.06 * torch.randn(count, 3, 1, 1, generator=draw)
    shift = 10 * torch.randn(count, 3, 1, 1, generator=draw)
    return (pixels * gain + shift).clamp(0, 255)


def _between(low: float, high: float, shape: tuple[int, ...], draw: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(shape, generator=draw)
