"""Masks as run lengths, and the boxes around them."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

#: (H, W) or more axes before them.
Mask = npt.NDArray[np.bool_]
Runs = npt.NDArray[np.int32]


def run_lengths(masks: Mask) -> Runs:
    """Return the lengths of the runs of equal values in row order, beginning with one (maybe empty) of False."""
    flat = np.concatenate([[False], masks.ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.concatenate([[0], edges, [masks.size]])).astype(np.int32)


def from_runs(runs: Sequence[int] | npt.NDArray[np.integer], shape: tuple[int, ...]) -> Mask:
    """Return the mask of these run lengths, of `shape`, last axis fastest.

    Raises:
        ValueError: the runs are of a mask of another size, or one of them is negative.
    """
    lengths = np.asarray(runs, np.int64)
    if lengths.sum() != np.prod(shape) or (lengths < 0).any():
        raise ValueError(f"run lengths of {lengths.sum()} pixels, {'x'.join(map(str, shape))} are {np.prod(shape)}")
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(shape)


def box_of(mask: Mask) -> tuple[int, int, int, int] | None:
    """Return the box around a mask (H, W): left, top, right, bottom, ends excluded; None around none."""
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return (int(xs[0]), int(ys[0]), int(xs[-1]) + 1, int(ys[-1]) + 1) if len(ys) else None


def resized(mask: Mask, height: int, width: int) -> Mask:
    """Return a mask (H, W) in another size: a pixel is inside where at least half of what it shows is."""
    if mask.shape == (height, width):
        return mask
    grey = cv2.resize(mask.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grey >= 128)
