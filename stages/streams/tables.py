"""People from the journal to tables, and back from pulled tables into a journal that lacks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stages.base.errors import InputError
from stages.base.journal.previous import previous
from stages.base.journal.store import Journal
from stages.base.schema import STREAMED, STREAMS
from stages.base.tables import read_table, write_sorted, write_table
from stages.base.video.streams import Streams
from stages.streams.finder import Seen
from stages.streams.run import packed, unpacked

TRACKS, CLIPS = "tracks.parquet", "clips.parquet"
#: Clips of a row group, which whoever reads a clip has in memory.
PER_GROUP = 16


def write(folder: Path, keys: Mapping[str, str], errors: Mapping[str, str], journal: Journal) -> int:
    """Write both tables, `clips.parquet` last; return how many rows of people there are.

    Args:
        folder: where to.
        keys: clip -> journal key, of the clips that could be looked at.
        errors: clip -> why, of all others.
        journal: has a value for each key.
    """
    (folder / CLIPS).unlink(missing_ok=True)
    clips = sorted(keys)
    groups = (clips[start : start + PER_GROUP] for start in range(0, len(clips), PER_GROUP))
    count = write_sorted(folder / TRACKS, ([*_rows(group, keys, journal)] for group in groups), STREAMS)
    write_table(folder / CLIPS, _clips(clips, keys, errors, journal), STREAMED)
    return count


def _rows(clips: list[str], keys: Mapping[str, str], journal: Journal) -> Iterator[dict[str, Any]]:
    for clip in clips:
        for row in unpacked(journal.get(keys[clip])):
            yield {"clip_id": clip, **row}


def _clips(
    clips: list[str], keys: Mapping[str, str], errors: Mapping[str, str], journal: Journal
) -> Iterator[dict[str, Any]]:
    for clip in clips:
        value = journal.get(keys[clip])
        yield {"clip_id": clip, "people": value["people"], "why": value["why"], "journal_key": keys[clip]}
    for clip, error in errors.items():
        yield {"clip_id": clip, "error": error}


def refill(journal: Journal, folder: Path, needed: set[str]) -> None:
    """Put what the journal lacks of `needed`, and the last version of the tables in `folder` has, into the journal."""
    if needed <= journal.keys():
        return
    clips, tracks = previous(folder / CLIPS), previous(folder / TRACKS)
    if clips is None or tracks is None:
        return
    try:
        streams = Streams(tracks.parent, tracks.name)
        for row in read_table(clips, STREAMED).iter_rows(named=True):
            if row["journal_key"] in needed - journal.keys():
                people = [
                    Seen(one["track"], one["frame"], tuple(one["box"]), np.array(one["mask"], np.int32), one["score"])
                    for one in streams.rows(row["clip_id"]).iter_rows(named=True)
                ]
                value = {"people": row["people"], "why": row["why"], **packed(people)}
                journal.put(row["journal_key"], value)
    except InputError:
        return  # written by another version, or damaged: what is not in the journal yet is computed again
