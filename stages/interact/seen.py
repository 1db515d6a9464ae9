"""What is seen of a clip: its frozen features, stream by stream, computed once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.journal.arrays import Arrays
from stages.base.journal.store import journal_key
from stages.base.schema import STREAMED
from stages.base.tables import read_table
from stages.base.video.decode import read_frames
from stages.base.video.sample import uniform_indices
from stages.base.video.streams import FIRST, SECOND, Streams, boxes_of, media
from stages.encoders.pose import PoseEncoder
from stages.encoders.vision import VisionEncoder
from stages.interact.params import Seeing
from stages.learn.data import Clip

#: Raise it when a change here or in stages/encoders changes a feature: those that are kept are stale.
VERSION = 1
ROOM = "interact"

Boxes = NDArray[np.int64]
Frames = NDArray[np.uint8]


class Seen(NamedTuple):
    """What is known of a clip before it is looked at."""

    clip: Clip
    why: str | None
    """Why it cannot be used; null where it can."""
    places: list[int]
    """The frames that are looked at."""
    keys: dict[str, str]
    """Stream -> the key of its features."""
    there: dict[str, NDArray[np.bool_]]
    """Stream -> (T,): frames in which there is something of it."""

    @property
    def missing(self) -> str | None:
        """Say which person is in no frame; null where both are."""
        absent = [name[1:] for name, there in self.there.items() if not there.any()]
        return f"person {' and '.join(absent)} in no frame" if absent else None


class Shows:
    """The streams of a data set's clips, as one recipe sees them."""

    def __init__(self, seeing: Seeing, folder: Path | None, shapes: Mapping[str, Any]) -> None:
        """Open the streams.

        Args:
            seeing: what is seen.
            folder: of the stage `streams`; None for whole frames.
            shapes: all that shapes what each encoder gives, by `pose` and `vision`.

        Raises:
            InputError: there are no streams, and the recipe wants some.
        """
        self.seeing, self.folder, self.shapes = seeing, folder, shapes
        self._streams: Streams | None = None
        self._errors: dict[str, str | None] = {}
        if seeing.people:
            if folder is None:
                raise InputError(
                    "the recipe sees streams, and the record has none",
                    file="params.yaml",
                    key="streams",
                    do="name data/<dataset>/streams/<method>, or take a recipe with media: whole_frames",
                )
            self._streams = Streams(folder)
            rows = read_table(folder / "clips.parquet", STREAMED)
            self._errors = dict(rows.select("clip_id", "error").iter_rows())

    def check(self, clips: Iterable[Clip]) -> None:
        """Raise an InputError where streams are not of these clips."""
        lacking = [clip.clip_id for clip in clips if clip.clip_id not in self._errors] if self._streams else []
        if lacking:
            raise InputError(
                f"has no row of {len(lacking)} clips: it is of another data set, or of an older version of this one",
                file=(self.folder or Path()) / "clips.parquet",
                row=lacking[0],
                do="name the streams of this data set, and run their cell again",
            )

    def look(self, clip: Clip) -> Seen:
        """Return what is known of a clip from its streams, before it is decoded."""
        places = uniform_indices(clip.frames, self.seeing.frames)
        common = {"version": VERSION, "md5": clip.md5, "places": places, "keep": self.seeing.keep}
        common |= {"pooled": self.seeing.pooled}
        if self._streams is None:
            key = journal_key(**common, stream="frames", encoder=self.shapes["vision"])
            return Seen(clip, None, places, {"frames": key}, {"frames": np.ones(len(places), bool)})
        if self._errors.get(clip.clip_id) is not None:
            return Seen(clip, f"its streams: {self._errors[clip.clip_id]}", places, {}, {})
        rows = self._streams.rows(clip.clip_id)
        if len(rows) and int(rows["frame"].to_numpy().max()) >= clip.frames:
            return Seen(clip, f"its streams have more than its {clip.frames} frames", places, {}, {})
        return self._of_people(clip, places, common, rows)

    def _of_people(self, clip: Clip, places: list[int], common: dict[str, Any], rows: pl.DataFrame) -> Seen:
        boxes = {"p1": boxes_of(rows, FIRST, places), "p2": boxes_of(rows, SECOND, places)}
        there = {name: box[:, 2] > box[:, 0] for name, box in boxes.items()}
        digest = hashlib.blake2b(digest_size=16)
        of_both = rows.filter(pl.col("track").is_in([FIRST, SECOND]) & pl.col("frame").is_in(places))
        for track, frame, box, mask in of_both.select("track", "frame", "box", "mask").iter_rows():
            digest.update(np.asarray([track, frame, *box, len(mask), *mask], np.int64).tobytes())
        common = common | {"streams": digest.hexdigest()}
        person = {"crop": self.seeing.crop, "masked": self.seeing.masked, "encoder": self.shapes["pose"]}
        keys = {name: journal_key(**common, stream=name, **person) for name in ("p1", "p2")}
        if self.seeing.background:
            keys["bg"] = journal_key(**common, stream="bg", encoder=self.shapes["vision"])
            there["bg"] = np.ones(len(places), bool)
        return Seen(clip, None, places, keys, there)

    def features(
        self, seen: Seen, pose: PoseEncoder | None, vision: VisionEncoder | None
    ) -> dict[str, NDArray[np.floating]]:
        """Return each stream's features, (T, K, width), zeros where there is nothing of it.

        Raises:
            InputError: the clip does not decode, or its masks are of another size.
        """
        frames, _ = read_frames(seen.clip.path, seen.places)
        if self._streams is None:
            assert vision is not None
            return {"frames": self._kept(vision(frames))}
        rows, found = self._streams.rows(seen.clip.clip_id), {}
        shown = media(frames, rows, seen.places)
        boxes = {"p1": boxes_of(rows, FIRST, seen.places), "p2": boxes_of(rows, SECOND, seen.places)}
        assert pose is not None
        for name, alone in (("p1", shown.first), ("p2", shown.second)):
            there = seen.there[name]
            cut = around(boxes["p1"], boxes["p2"]) if self.seeing.crop == "pair" else boxes[name]
            tokens = pose((alone if self.seeing.masked else frames)[there], cut[there])
            whole = np.zeros((len(frames), *tokens.shape[1:]), np.float32)
            whole[there] = tokens
            found[name] = self._kept(whole)
        if self.seeing.background:
            assert vision is not None
            found["bg"] = self._kept(vision(shown.rest))
        return found

    def _kept(self, tokens: NDArray[np.float32]) -> NDArray[np.floating]:
        pooled = tokens.mean(1, keepdims=True) if self.seeing.pooled else tokens
        return pooled.astype(self.seeing.keep)


def around(one: Boxes, other: Boxes) -> Boxes:
    """Return in each frame the box (T, 4) around both boxes; where one person is not there, the other's."""
    corners = np.concatenate([np.minimum(one[:, :2], other[:, :2]), np.maximum(one[:, 2:], other[:, 2:])], 1)
    first, second = one[:, 2] > one[:, 0], other[:, 2] > other[:, 0]
    return np.where((first & second)[:, None], corners, np.where(first[:, None], one, other))


def keep(
    shows: Shows, seen: Iterable[Seen], arrays: Arrays, encoders: Any, advance: Any = lambda _: None
) -> dict[str, str]:
    """Compute the features that are not kept yet; return clip -> why of those that cannot be had.

    `encoders()` returns the pose model and the ViT, either None where it is not needed; it is called where features
    are missing, so that nothing is loaded for nothing.
    """
    failed: dict[str, str] = {}
    for one in seen:
        if one.why is not None:
            failed[one.clip.clip_id] = one.why
        elif any(key not in arrays for key in one.keys.values()):
            pose, vision = encoders()
            try:
                for name, value in shows.features(one, pose, vision).items():
                    arrays.put(one.keys[name], value)
            except InputError as error:
                failed[one.clip.clip_id] = str(error).splitlines()[0]
        advance(1)
    return failed
