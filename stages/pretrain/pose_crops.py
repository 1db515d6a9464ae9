"""Crops around people, cut as `VitPoseImageProcessor` cuts them, and the heatmaps that a pose model learns to draw.

ViTPose (Xu et al. 2022) sees a box grown by a quarter and brought to its size. In training the box is moved and scaled
at random, half of the crops are mirrored, and some show the person alone before black, as a masked stream does.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

from stages.pretrain.frames import JOINTS, MIRROR
from stages.pretrain.params import PoseRecipe
from stages.pretrain.pose_clips import People

#: By how much a box is grown: transformers' `box_to_center_and_scale`.
GROWN = 1.25
_MIRROR = MIRROR[:JOINTS]


class Crops(NamedTuple):
    """B crops."""

    pixels: torch.Tensor
    """(B, 3, h, w), float32, 0 to 255."""
    joints: torch.Tensor
    """(B, 17, 2), float32: pixels of the crop, also outside of it."""


def windows(boxes: torch.Tensor, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return centre and extent, each (B, 2) pixels, of what is cut out for boxes (B, 4) left, top, width, height."""
    width, height = size
    aspect = width / height
    extent = torch.stack([torch.maximum(boxes[:, 2], aspect * boxes[:, 3])] * 2, 1)
    extent[:, 1] = extent[:, 0] / aspect
    return boxes[:, :2] + boxes[:, 2:] / 2, GROWN * extent


def cut(
    pixels: torch.Tensor, joints: torch.Tensor, centre: torch.Tensor, extent: torch.Tensor, size: tuple[int, int]
) -> Crops:
    """Return crops of `size` (width, height) of images (B, 3, H, W), with joints (B, 17, 2) carried along."""
    height, width = pixels.shape[2:]
    # The first and the last pixel of the crop lie at the window's two ends, and outside of the image it is black.
    full, last = torch.tensor([width, height]) - 1.0, torch.tensor(size) - 1.0
    theta = torch.zeros(len(pixels), 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = (extent / full).unbind(1)
    theta[:, :, 2] = 2 * centre / full - 1
    grid = F.affine_grid(theta, [len(pixels), 3, size[1], size[0]], align_corners=True)
    seen = F.grid_sample(pixels.float(), grid, align_corners=True)
    moved = (joints - centre[:, None] + extent[:, None] / 2) / extent[:, None] * last
    return Crops(seen, moved)


def drawn(people: People, picked: torch.Tensor, recipe: PoseRecipe, draw: torch.Generator) -> Crops:
    """Return crops of some people as one step of training sees them."""
    count = len(picked)
    pixels = people.pixels[picked].float()
    alone = torch.rand(count, generator=draw) < recipe.masked
    pixels = torch.where(alone[:, None, None, None] & ~people.seen[picked][:, None], 0.0, pixels)
    centre, extent = windows(people.boxes[picked], recipe.size)
    low, high = recipe.zoom
    extent = extent * (low + (high - low) * torch.rand(count, 1, generator=draw))
    centre = centre + recipe.shift * extent * (2 * torch.rand(count, 2, generator=draw) - 1)
    crops = cut(pixels, people.joints[picked], centre, extent, recipe.size)
    light = 1 + 0.15 * torch.randn(count, 1, 1, 1, generator=draw) + 0.05 * torch.randn(count, 3, 1, 1, generator=draw)
    lit = (crops.pixels * light).clamp(0, 255)
    flip = torch.rand(count, generator=draw) < 0.5
    mirrored = crops.joints[:, _MIRROR] * torch.tensor([-1.0, 1.0]) + torch.tensor([recipe.size[0] - 1.0, 0.0])
    return Crops(
        torch.where(flip[:, None, None, None], lit.flip(3), lit),
        torch.where(flip[:, None, None], mirrored, crops.joints),
    )


class Heatmaps(NamedTuple):
    """What a model is to draw for B crops."""

    wanted: torch.Tensor
    """(B, 17, h, w): a hill of height 1 about each joint."""
    inside: torch.Tensor
    """(B, 17), bool: the joint lies within the crop; the others are not learnt."""


def heatmaps(joints: torch.Tensor, size: tuple[int, int], map_size: tuple[int, int], sigma: float) -> Heatmaps:
    """Return the heatmaps of joints (B, 17, 2) in pixels of crops of `size`, both sizes width and height.

    The first and the last cell lie on the crop's first and last pixel (Huang et al. 2020, "The Devil is in the
    Details"), which is how transformers' `post_process_pose_estimation` reads them.
    """
    scale = (torch.tensor(map_size) - 1.0) / (torch.tensor(size) - 1.0)
    at = joints * scale
    across = torch.exp(-((torch.arange(map_size[0]) - at[..., :1]) ** 2) / (2 * sigma**2))  # (B, 17, w)
    down = torch.exp(-((torch.arange(map_size[1]) - at[..., 1:]) ** 2) / (2 * sigma**2))  # (B, 17, h)
    inside = ((joints >= 0) & (joints <= torch.tensor(size) - 1)).all(2)
    return Heatmaps(down[..., :, None] * across[..., None, :], inside)
