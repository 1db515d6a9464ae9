"""A frame of a clip with the people of its streams drawn upon it: boxes and masks, for a person to look at."""

from __future__ import annotations

import cv2
import numpy as np
import polars as pl

from stages.base.video.decode import Image
from stages.base.video.masks import resized
from stages.base.video.sample import shrunk
from stages.base.video.streams import FIRST, SECOND, boxes_of, masks_of

#: RGB of person 1, of person 2, of others: told apart by who sees few colours, too.
COLOURS = {FIRST: (230, 159, 0), SECOND: (86, 180, 233)}
OTHERS = (160, 160, 160)


def overlay(frame: Image, rows: pl.DataFrame, place: int, side: int | None = None) -> Image:
    """Return frame `place` (H, W, 3), RGB, with each person's mask half over it and their box around it.

    Args:
        frame: in the clip's own size.
        rows: the clip's rows of STREAMS.
        place: which frame of the clip it is.
        side: the longer side of what is returned is at most this many pixels.

    Raises:
        InputError: the masks are of another size than the frame.
    """
    height, width = frame.shape[:2]
    out = shrunk(frame, side).copy()
    scale = len(out) / height
    for track in sorted(rows.filter(pl.col("frame") == place)["track"].unique(), reverse=True):
        colour = np.array(COLOURS.get(track, OTHERS), np.uint16)
        (mask,), (box,) = masks_of(rows, track, [place], height, width), boxes_of(rows, track, [place])
        inside = resized(mask, *out.shape[:2])
        out[inside] = ((out[inside].astype(np.uint16) + colour) // 2).astype(np.uint8)
        left, top, right, bottom = (round(float(edge) * scale) for edge in box)
        cv2.rectangle(out, (left, top), (right - 1, bottom - 1), COLOURS.get(track, OTHERS), 1)
    return out
