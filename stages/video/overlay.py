"""A frame of a clip with the people of its streams drawn upon it: boxes and masks, for a person to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import polars as pl

from stages.video.decode import Image, read_frames
from stages.video.masks import resized
from stages.video.sample import shrunk
from stages.video.streams import FIRST, SECOND, Streams, boxes_of, masks_of

#: RGB of person 1, of person 2, of others: told apart by who sees few colours, too.
COLOURS = {FIRST: (230, 159, 0), SECOND: (86, 180, 233)}
OTHERS = (160, 160, 160)


class Shown(NamedTuple):
    """A clip that is shown for its class."""

    label: str
    clip_id: str
    frame: int
    image: Image


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


def of_classes(
    manifest: pl.DataFrame, streams: Streams, errors: Mapping[str, str | None], side: int
) -> Iterable[Shown]:
    """Yield the mid-frame of one clip a class, with its people: the first clip in which both are seen there.

    Where there is none, it is the class's first clip that could be looked at.
    """
    usable = manifest.filter(pl.col("error").is_null() & pl.col("path").is_not_null()).sort("clip_id")
    by_class: dict[str, list[tuple[str, str, int]]] = {}
    for clip_id, path, frames, labels in usable.select("clip_id", "path", "frames", "labels").iter_rows():
        if len(labels) == 1 and errors.get(clip_id) is None:
            by_class.setdefault(labels[0], []).append((clip_id, path, frames))
    for label, clips in sorted(by_class.items()):
        clip_id, path, frames = next((one for one in clips if _both(streams, one[0], one[2] // 2)), clips[0])
        images, _ = read_frames(path, [frames // 2])
        yield Shown(label, clip_id, frames // 2, overlay(images[0], streams.rows(clip_id), frames // 2, side))


def _both(streams: Streams, clip_id: str, frame: int) -> bool:
    boxes: Sequence[np.ndarray] = [boxes_of(streams.rows(clip_id), track, [frame])[0] for track in (FIRST, SECOND)]
    return all(box.any() for box in boxes)
