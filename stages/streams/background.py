"""The background of a still camera's clip, and what differs from it: where people may be.

The background is each pixel's median over time. Who stands still all the time is in it; where the ground is of one
colour (a parking lot, a mat, a wall) they are found by theirs: what is large and of another colour than the ground is
taken out of the background and filled with the ground's.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from stages.base.video.decode import Image
from stages.base.video.masks import Mask
from stages.streams.params import OpenCVParams

#: 8-bit Lab, (H, W, 3).
Lab = npt.NDArray[np.uint8]
#: Lightness differs by shadows too, colour does not.
_WEIGHTS = np.array([1, 2, 2], np.int32)

#: Share of the frames in which a place looks otherwise than the background, of which somebody has gone away.
_MOVES = 0.05
#: Pixels of the working size that a leg is thick at least.
_THICK = 7


def lab(image: Image) -> Lab:
    """Return an RGB image in OpenCV's 8-bit Lab, a little smoothed: compression has edges of its own."""
    return np.asarray(cv2.cvtColor(cv2.blur(image, (3, 3)), cv2.COLOR_RGB2LAB))


def median(images: Sequence[Lab]) -> Lab:
    """Return what stays in frames of a still camera, (H, W, 3)."""
    return np.asarray(np.median(np.stack(images), axis=0), np.uint8)


def background(images: Sequence[Lab], plate: Lab, params: OpenCVParams) -> Lab:
    """Return the background (H, W, 3) of frames of a still camera, whose median is `plate`."""
    ground = _ground(plate)
    other = difference(plate, ground) > params.threshold
    if params.plain == 0 or other.mean() > params.plain:
        return plate
    away = np.zeros(other.shape, np.int64)
    for image in images:
        away += difference(image, plate) > params.threshold
    people = _people(solid(other, params), away > _MOVES * len(images))
    # The border of who stands there is of mixed colours.
    people = cv2.dilate(people.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    return np.where(people[..., None], ground, plate)


def _people(mask: Mask, moves: Mask) -> Mask:
    """Return the parts of a mask that are people: gone in some frames, or as tall and as broad as one who stands.

    A car on the ground is always there and has another shape, a line fills little of its box, and what is as wide as
    the frame is another ground: they stay in the background.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
    areas = stats[:, cv2.CC_STAT_AREA]
    moving = np.bincount(labels[moves], minlength=count) > 0.5 * areas
    widths, heights = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT]
    share = areas / (widths * heights)
    people = (moving & (share >= 0.25)) | ((heights >= 1.2 * widths) & (share >= 0.35))
    return np.isin(labels, 1 + np.flatnonzero((people & (widths < 0.8 * mask.shape[1]))[1:]))


def _ground(plate: Lab) -> Lab:
    """Return a ground of one colour under slowly changing light, (H, W, 3): medians of a coarse grid, smoothed.

    A cell that is mostly unlike the commonest colour takes that one.
    """
    height, width = plate.shape[:2]
    common = np.asarray(np.median(plate.reshape(-1, 3), axis=0), np.uint8)
    alike = difference(plate, np.broadcast_to(common, plate.shape)) <= 40
    rows, columns = (np.linspace(0, size, 5).astype(int) for size in (height, width))
    grid = np.empty((4, 4, 3), np.uint8)
    for row in range(4):
        for column in range(4):
            part = np.s_[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
            inside = plate[part][alike[part]]
            enough = len(inside) > alike[part].size // 4
            grid[row, column] = np.median(inside, axis=0) if enough else common
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR))


def difference(image: Lab, other: Lab) -> npt.NDArray[np.int32]:
    """Return how far two images' colours are apart, (H, W)."""
    return np.asarray(cv2.absdiff(image, np.ascontiguousarray(other)).astype(np.int32) @ _WEIGHTS)


def solid(mask: Mask, params: OpenCVParams, gap: tuple[int, int] = (9, 5)) -> Mask:
    """Return a mask without specks and thin lines, its gaps closed and its holes filled, of parts that are large.

    A gap that is narrower than `gap`, rows and columns, is closed.
    """
    grey = mask.astype(np.uint8)
    grey = np.asarray(cv2.morphologyEx(grey, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    grey = np.asarray(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones(gap, np.uint8)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(grey, connectivity=4)
    least = params.least / 4 * mask.size
    # A crack or a painted line may be long, and is nowhere as thick as a leg.
    thick = np.bincount(labels.ravel(), weights=cv2.erode(grey, np.ones((_THICK, _THICK), np.uint8)).ravel())
    kept = [one for one in range(1, count) if stats[one, cv2.CC_STAT_AREA] >= least and thick[one] > 0]
    return filled(np.isin(labels, kept))


def filled(mask: Mask) -> Mask:
    """Return a mask with its holes filled: whatever the frame's border does not reach."""
    around = np.pad(~mask, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(around, connectivity=4)
    return np.asarray(labels[1:-1, 1:-1] != labels[0, 0])
