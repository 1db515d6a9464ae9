"""Three masked media of a clip, made on the fly from its frames and its rows of STREAMS: two people, and the rest.

Ray et al., OV-HHIR, section III: the two who interact and the background are separate streams of a language model.
Masks are kept as run lengths, never as three more videos.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from stages.base.errors import InputError
from stages.base.schema import STREAMS
from stages.base.video.masks import Mask, from_runs

#: (T, H, W, 3), RGB.
Frames = npt.NDArray[np.uint8]
#: (T, 4): left, top, right, bottom, pixels, ends excluded; all 0 where the person is not seen.
Boxes = npt.NDArray[np.int64]
#: What is shown where something is masked out: black, or the mean colour of the clip's frames.
Fill = Literal["black", "mean"]
#: The two who interact.
FIRST, SECOND = 1, 2


class Media(NamedTuple):
    """The frames with all but one thing filled, each (T, H, W, 3): person 1, person 2, what is neither."""

    first: Frames
    second: Frames
    rest: Frames


class Streams:
    """A folder of streams, read a clip at a time; one row group is in memory."""

    def __init__(self, folder: Path, name: str = "tracks.parquet") -> None:
        """Open the table of a folder that the stage `streams` wrote.

        Raises:
            InputError: there is none, or it is another table.
        """
        self.path = folder / name
        try:
            self._file = pq.ParquetFile(self.path, page_checksum_verification=True)
        except FileNotFoundError:
            raise InputError("no such file", file=self.path, do="run `dvc repro`, or `dvc pull` brings it") from None
        except (pa.ArrowInvalid, OSError) as error:
            raise InputError(f"no table: {error}", file=self.path, do="fetch it again") from None
        if self._file.schema_arrow.names != STREAMS.names:
            do = "it was written by another version: run `dvc repro`"
            raise InputError(f"columns are {self._file.schema_arrow.names}", file=self.path, do=do)
        self._groups: dict[str, list[int]] = {}
        for number in range(self._file.num_row_groups):
            for clip in self._file.read_row_group(number, ["clip_id"])["clip_id"].unique().to_pylist():
                self._groups.setdefault(clip, []).append(number)
        self._held: tuple[int, pl.DataFrame] | None = None

    def __contains__(self, clip_id: str) -> bool:
        return clip_id in self._groups

    def presence(self) -> pl.DataFrame:
        """Return who is found in which frame of which clip: the columns `clip_id`, `track` and `frame` of all rows."""
        return _polars(self._file.read(["clip_id", "track", "frame"]))

    def rows(self, clip_id: str) -> pl.DataFrame:
        """Return a clip's rows of STREAMS; none where nobody was found in it."""
        found = [self._group(number).filter(pl.col("clip_id") == clip_id) for number in self._groups.get(clip_id, [])]
        return pl.concat(found) if found else pl.DataFrame(schema=_polars(STREAMS.empty_table()).schema)

    def _group(self, number: int) -> pl.DataFrame:
        if self._held is None or self._held[0] != number:
            self._held = number, _polars(self._file.read_row_group(number))
        return self._held[1]


def _polars(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def masks_of(rows: pl.DataFrame, track: int, frames: Sequence[int], height: int, width: int) -> Mask:
    """Return where a person is in `frames` of a clip of this size, (T, H, W); nowhere where they are not seen.

    Raises:
        InputError: a mask is of a frame of another size.
    """
    wanted = rows.filter((pl.col("track") == track) & pl.col("frame").is_in(list(frames)))
    found = {}
    for clip_id, frame, runs in wanted.select("clip_id", "frame", "mask").iter_rows():
        try:
            found[frame] = from_runs(runs, (height, width))
        except ValueError as error:
            do = "the clip and its streams are not of one version: run `dvc repro` of its cell of `streams`"
            raise InputError(
                f"the mask of track {track} does not fit: {error}", row=clip_id, key=frame, do=do
            ) from None
    nowhere = np.zeros((height, width), bool)
    return (
        np.stack([found.get(frame, nowhere) for frame in frames]) if len(frames) else np.zeros((0, height, width), bool)
    )


def boxes_of(rows: pl.DataFrame, track: int, frames: Sequence[int]) -> Boxes:
    """Return a person's box in each of `frames`, (T, 4); all 0 where they are not seen."""
    found = dict(rows.filter(pl.col("track") == track).select("frame", "box").iter_rows())
    return np.array([found.get(frame, [0, 0, 0, 0]) for frame in frames], np.int64).reshape(-1, 4)


def media(frames: Frames, rows: pl.DataFrame, places: Sequence[int], fill: Fill = "black") -> Media:
    """Return the three media of a clip.

    Args:
        frames: (T, H, W, 3), decoded at the clip's own size.
        rows: the clip's rows of STREAMS.
        places: which frame of the clip each of `frames` is.
        fill: what is shown where something is masked out.

    Raises:
        InputError: the masks are of another size than the frames.
        ValueError: there are not as many places as frames.
    """
    if len(frames) != len(places):
        raise ValueError(f"{len(frames)} frames and {len(places)} places")
    height, width = frames.shape[1:3]
    first, second = (masks_of(rows, track, places, height, width) for track in (FIRST, SECOND))
    colour = np.zeros(3, np.uint8)
    if fill == "mean" and frames.size:
        colour = np.asarray(frames.reshape(-1, 3).mean(0).round(), np.uint8)
    kept = (first, second, ~(first | second))
    return Media(*(np.where(mask[..., None], frames, colour) for mask in kept))


def crops(frames: Frames, boxes: Boxes, size: tuple[int, int], margin: float = 0.1) -> Frames:
    """Return what is in a person's box in each frame, (T, height, width, 3), as nets for poses take it.

    The box is grown by `margin` of its height on all sides and then to the shape of `size` (height, width) about its
    centre, as ViTPose's own processor does it; what is outside of the frame, and a frame without the person, is black.
    """
    height, width = size
    out = np.zeros((len(frames), height, width, 3), np.uint8)
    for picture, frame, (left, top, right, bottom) in zip(out, frames, boxes, strict=True):
        if right <= left:
            continue
        grown = margin * (bottom - top)
        tall = max(bottom - top + 2 * grown, (right - left + 2 * grown) * height / width)
        # OpenCV counts from the middle of a pixel, boxes from its edge.
        scale, x, y = height / tall, (left + right - 1) / 2, (top + bottom - 1) / 2
        moved = np.array([[scale, 0, (width - 1) / 2 - scale * x], [0, scale, (height - 1) / 2 - scale * y]])
        cv2.warpAffine(frame, moved, (width, height), dst=picture, flags=cv2.INTER_LINEAR)
    return out
