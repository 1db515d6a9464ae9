"""Frames turned upright by the display matrix that a container holds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideData, SideDataContainer
from av.video.frame import VideoFrame

Image = npt.NDArray[np.uint8]


def display_matrix(picture: VideoFrame) -> npt.NDArray[np.int32] | None:
    """Return the upper left 2 x 2 of the display matrix, None where there is none."""
    # Not `picture.side_data`, which the picture keeps: a cycle, in which frames would wait for Python's collector.
    data = SideDataContainer(picture).get("DISPLAYMATRIX")  # type: ignore[call-arg]  # their stub lacks it
    return np.frombuffer(bytes(data), "<i4").reshape(3, 3)[:2, :2] if isinstance(data, SideData) else None


def swaps_axes(matrix: npt.NDArray[np.int32]) -> bool:
    """Return whether a matrix exchanges width and height."""
    (a, b), (c, d) = np.abs(matrix.astype(np.int64)).tolist()
    return bool(b + c > a + d)


def upright(image: Image, matrix: npt.NDArray[np.int32] | None) -> Image:
    """Turn and mirror an image by its display matrix, to the nearest quarter turn.

    The matrix takes (x, y) to (a x + c y, b x + d y), y downwards (libavutil/display.h).
    """
    if matrix is None:
        return image
    (a, b), (c, d) = matrix.tolist()
    if swaps_axes(matrix):
        image, across, down = np.swapaxes(image, 0, 1), c, b
    else:
        across, down = a, d
    return np.ascontiguousarray(image[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])
