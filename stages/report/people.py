"""The people who were found: a frame of a clip of each class with all of them drawn over it, and in how many clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from stages.base.errors import InputError
from stages.base.schema import STREAMED
from stages.base.tables import read_table
from stages.base.video.decode import read_frames
from stages.base.video.overlay import COLOURS, OTHERS, overlay
from stages.base.video.sample import encoded
from stages.base.video.streams import FIRST, SECOND, Streams
from stages.report.images import data_uri
from stages.report.inputs import Inputs

#: CSS colours of person 1, person 2 and passers-by.
LEGEND = {
    name: "rgb({} {} {})".format(*colour)
    for name, colour in (("person 1", COLOURS[FIRST]), ("person 2", COLOURS[SECOND]), ("passers-by", OTHERS))
}


class Picture(NamedTuple):
    """A class's place on the sheet."""

    words: str
    clip: str
    frames: int
    """Of the clip."""
    both: int
    """Those in which both people are found."""
    clips: int
    """Of the class, that could be looked at."""
    two: int
    """Those in which both are found in some frame."""
    time: float
    """Of the picture, seconds from the clip's first frame."""
    image: str
    """Data URI; empty where the clip could not be drawn."""
    why: str
    """It could not be drawn; empty where it could."""


class People(NamedTuple):
    """In how many clips two people, one at a time, and nobody were found; how many could not be looked at."""

    two: int
    one: int
    nobody: int
    errors: int
    pictures: list[Picture]
    without: list[str]
    """Words of the classes of which no clip could be looked at."""

    @property
    def clips(self) -> int:
        """How many could be looked at."""
        return self.two + self.one + self.nobody


class _Clip(NamedTuple):
    clip_id: str
    path: str
    frames: int
    both: int
    anybody: int
    tested: bool


def people(inputs: Inputs, folder: Path, width: int | None) -> People:
    """Return what was found in a data set, with a picture a class in their order; without pictures if `width` is None.

    A class is shown by the first clip, of those that a protocol tests if there are any, with both people in at least
    half of its frames; where there is none, by the one with both in the largest share of them, and where nowhere are
    two, with anybody. Its picture is the frame with both (else with anybody) that is nearest to the middle.

    Args:
        inputs: the run's tables.
        folder: what a cell of `streams` wrote.
        width: of a picture, pixels at most.

    Raises:
        InputError: a table is missing or is another one.
    """
    streams, streamed = Streams(folder), read_table(folder / "clips.parquet", STREAMED)
    looked = streamed.filter(pl.col("error").is_null()).select("clip_id")
    clips = looked.join(_frames_of(streams), on="clip_id", how="left").fill_null(0)
    two, nobody = len(clips.filter(pl.col("both") > 0)), len(clips.filter(pl.col("anybody") == 0))
    found = People(two, len(clips) - two - nobody, nobody, len(streamed) - len(clips), [], [])
    if width is not None:
        for words, of_class in _by_class(inputs, clips):
            if of_class:
                found.pictures.append(_picture(words, of_class, streams, width))
            else:
                found.without.append(words)
    return found


def _frames_of(streams: Streams) -> pl.DataFrame:
    """Return in how many frames of each clip both people, and anybody, are found; no row for a clip without people."""
    seen = streams.presence().group_by("clip_id", "frame").agg(pl.col("track").is_in([FIRST, SECOND]).sum())
    return seen.group_by("clip_id").agg(both=(pl.col("track") == 2).sum(), anybody=pl.len())


def _by_class(inputs: Inputs, clips: pl.DataFrame) -> Iterator[tuple[str, list[_Clip]]]:
    """Yield each class's words and its clips that could be looked at, by name."""
    tested = inputs.splits.filter(pl.col("part") == "test")["clip_id"].unique()
    usable = inputs.manifest.filter(pl.col("error").is_null() & pl.col("path").is_not_null()).join(clips, on="clip_id")
    usable = usable.with_columns(tested=pl.col("clip_id").is_in(tested.implode())).sort("clip_id")
    for one in inputs.classes.classes:
        of_class = usable.filter(pl.col("labels").list.contains(one.name))
        yield one.words, [_Clip(*row) for row in of_class.select(_Clip._fields).iter_rows()]


def _picture(words: str, of_class: list[_Clip], streams: Streams, width: int) -> Picture:
    shown = max([clip for clip in of_class if clip.tested] or of_class, key=_share)  # the first of the best
    image, time, why = "", 0.0, ""
    try:
        image, time = _drawn(shown, streams.rows(shown.clip_id), width)
    except InputError as error:
        why = str(error).splitlines()[0]
    two = sum(clip.both > 0 for clip in of_class)
    return Picture(words, shown.clip_id, shown.frames, shown.both, len(of_class), two, time, image, why)


def _share(clip: _Clip) -> tuple[float, float]:
    """Return the share of a clip's frames with both people, and with anybody; half of them is enough."""
    return min(clip.both / clip.frames, 0.5), min(clip.anybody / clip.frames, 0.5)


def _drawn(clip: _Clip, rows: pl.DataFrame, width: int) -> tuple[str, float]:
    """Return the picture of a clip as a data URI, and its time in seconds.

    Raises:
        InputError: the clip cannot be decoded so far, or its streams are of another version of it.
    """
    frame = _middle(rows, clip.frames)
    images, times = read_frames(clip.path, [frame])
    return data_uri(encoded(overlay(images[0], rows, frame, width), "png", 0), width), float(times[0])


def _middle(rows: pl.DataFrame, frames: int) -> int:
    """Return the frame nearest to the middle of the clip with both people, else with anybody, else the middle."""
    middle = frames // 2
    seen: Mapping[int, int] = dict(rows.group_by("frame").agg(pl.col("track").is_in([FIRST, SECOND]).sum()).iter_rows())
    both = [frame for frame, people in seen.items() if people == 2]
    return min(both or seen or [middle], key=lambda frame: (abs(frame - middle), frame))
