"""Embeddings of position brought to another number of frames or another size, as the models' papers do."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def resized_space(table: torch.Tensor, old: tuple[int, int], new: tuple[int, int], lead: int = 1) -> torch.Tensor:
    """Return a table (1, lead + h * w, D) for another grid, bicubic; the first `lead` rows belong to no place."""
    if old == new:
        return table
    first, rest = table[:, :lead], table[:, lead:]
    grid = rest.view(1, *old, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid.float(), size=new, mode="bicubic", align_corners=False).to(table.dtype)
    return torch.cat([first, grid.permute(0, 2, 3, 1).flatten(1, 2)], 1)


def resized_time(table: torch.Tensor, frames: int) -> torch.Tensor:
    """Return a table (1, T, D) for another number of frames, linear."""
    if table.shape[1] == frames:
        return table
    line = F.interpolate(table.transpose(1, 2).float(), size=frames, mode="linear", align_corners=False)
    return line.transpose(1, 2).to(table.dtype)


def resized_volume(
    table: torch.Tensor, old: tuple[int, int, int], new: tuple[int, int, int], lead: int = 0
) -> torch.Tensor:
    """Return a table (lead + t * h * w, D) for another grid, trilinear."""
    if old == new:
        return table
    first, rest = table[:lead], table[lead:]
    volume = rest.view(1, *old, -1).permute(0, 4, 1, 2, 3)
    volume = F.interpolate(volume.float(), size=new, mode="trilinear", align_corners=False).to(table.dtype)
    return torch.cat([first, volume.permute(0, 2, 3, 4, 1).flatten(0, 3)])
