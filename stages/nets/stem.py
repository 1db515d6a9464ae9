"""Convolutional stems: pixels to tokens by small strided convolutions instead of one large patch.

Early convolutions help transformers see better (Xiao et al., NeurIPS 2021): from a few hundred clips a linear map of
16 x 16 pixels hardly learns what an edge is.
"""

from __future__ import annotations

import torch
from torch import nn


class Stem(nn.Module):
    """(B, 3, T, H, W) or (B, 3, H, W) to (B, width, T / tubelet, H / patch, W / patch); time apart from space."""

    def __init__(self, width: int, patch: int, tubelet: int = 1) -> None:
        super().__init__()
        halvings = patch.bit_length() - 1
        if patch != 1 << halvings:
            raise ValueError(f"patches of {patch} pixels: a convolutional stem halves, so take a power of two")
        layers: list[nn.Module] = []
        before = 3
        for left in reversed(range(halvings)):
            after = max(16, width >> left)
            layers += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
            before = after
        self.space = nn.Sequential(*layers)
        self.time = nn.Conv3d(before, width, (tubelet, 1, 1), (tubelet, 1, 1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the map of tokens."""
        flat = pixels.ndim == 4
        clips = pixels.unsqueeze(2) if flat else pixels  # (B, 3, T, H, W)
        batch, _, time = clips.shape[:3]
        # Convolutions are a third faster on a CPU when a pixel's channels lie side by side.
        images = clips.transpose(1, 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        maps = self.space(images)  # (B * T, C, h, w)
        out: torch.Tensor = self.time(maps.view(batch, time, *maps.shape[1:]).transpose(1, 2))
        return out.squeeze(2) if flat else out
