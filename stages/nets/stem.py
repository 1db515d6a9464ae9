"""Convolutional stems: pixels to tokens by small strided convolutions instead of one large patch.

Early convolutions help transformers see better (Xiao et al., NeurIPS 2021): from a few hundred clips a linear map of
16 x 16 pixels hardly learns what an edge is. `with_motion` adds how each frame differs from the clip's mean, the RGB
difference of TSN (Wang et al., ECCV 2016): where the camera stands still, that is what moves.
"""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional as F

#: By which differences are multiplied: most are small.
_GAIN = 2.0


def with_motion(pixels: torch.Tensor) -> torch.Tensor:
    """Return clips (B, 3, T, H, W) with the difference to their mean over time as further channels, (B, 6, T, H, W)."""
    return torch.cat([pixels, _GAIN * (pixels - pixels.mean(2, keepdim=True))], 1)


class Halving(nn.Module):
    """A residual block of two 3 x 3 convolutions that halves height and width (He et al. 2016), on (B, C, H, W)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after))
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after))
        self.skip = nn.Sequential(nn.Conv2d(before, after, 1, 2, bias=False), nn.BatchNorm2d(after))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return maps of half the size."""
        return F.relu(self.skip(maps) + self.second(F.relu(self.first(maps))))


class Stem(nn.Module):
    """(B, 3, T, H, W) to (B, width, T / tubelet, H / patch, W / patch), or (B * T, 3, H, W) to (B * T, width, ...).

    Time is apart from space: frames are convolved one by one, and a tubelet's frames are then mixed.
    """

    def __init__(self, width: int, patch: int, tubelet: int, frames: int, motion: bool) -> None:
        super().__init__()
        halvings = patch.bit_length() - 1
        if patch != 1 << halvings or not halvings:
            raise ValueError(f"patches of {patch} pixels: a convolutional stem halves, so take a power of two")
        widths = [max(24, width >> left) for left in reversed(range(halvings))]
        first = [nn.Conv2d(6 if motion else 3, widths[0], 5, 2, 2, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
        self.frames, self.motion = frames, motion
        self.space = nn.Sequential(*first, *(Halving(*pair) for pair in itertools.pairwise(widths)))
        self.time = nn.Conv3d(widths[-1], width, (tubelet, 1, 1), (tubelet, 1, 1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the map of tokens."""
        if pixels.ndim == 4:
            clips = pixels.view(-1, self.frames, *pixels.shape[1:]).transpose(1, 2)
            return self(clips).transpose(1, 2).flatten(0, 1)  # type: ignore[no-any-return]
        if self.motion:
            pixels = with_motion(pixels)
        batch, _, time = pixels.shape[:3]
        # Convolutions are a third faster on a CPU when a pixel's channels lie side by side.
        images = pixels.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        maps = self.space(images)
        out: torch.Tensor = self.time(maps.view(batch, time, *maps.shape[1:]).transpose(1, 2))
        return out
