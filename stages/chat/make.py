"""Clips of a data set as samples of HHIRChat."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST
from stages.base.tables import read_table
from stages.base.video.streams import Streams
from stages.chat.media import TRACKS, referring, write_media
from stages.chat.sample import Sample, outside
from stages.chat.turns import conversation
from stages.labels.classes import read_classes

Media = Literal["refer", "write"]


def samples_of(run: Run, data: Path, streams: Path, how: Media, folder: Path) -> list[Sample]:
    """Return a sample a clip, in order of the clips; one that cannot be used has an error.

    Args:
        run: of the data set; its manifest says what each clip shows (`narration`) and its class.
        data: folder that the samples' paths start from.
        streams: folder that the stage `streams` wrote.
        how: refer to the clip and a track, so that whoever opens it masks on the fly; or write three videos.
        folder: where `write` puts these, below `data`.

    Raises:
        InputError: there is no manifest or no streams, or `folder` is not below `data`.
    """
    tracks, words = Streams(streams), read_classes(run).words
    if how == "write" and not folder.resolve().is_relative_to(data.resolve()):
        raise InputError("is not below the data folder", file=folder, do=f"name a folder below {data}")
    found = []
    for row, clip in enumerate(read_table(run.manifest, MANIFEST).iter_rows(named=True)):
        why = _unusable(clip, tracks)
        if why is None:
            turns = conversation(clip["narration"], [words[label] for label in clip["labels"]])
            try:
                videos = _refer(clip, data) if how == "refer" else _write(row, clip, data, tracks, folder)
                found.append(Sample(row, row, **videos, conversations=turns))
                continue
            except InputError as error:
                why = str(error).partition("\n")[0]
        found.append(Sample(row, row, error=f"clip {clip['clip_id']}: {why}"))
    return found


def _unusable(clip: dict[str, Any], tracks: Streams) -> str | None:
    if clip["error"] is not None:
        return str(clip["error"])
    if not clip["narration"] or not clip["labels"]:
        return "the manifest has no narration or no label of it"
    if clip["path"] is None:
        return "the manifest has no video of it"
    people = set(tracks.rows(clip["clip_id"])["track"].unique())
    if not {1, 2} <= people:
        return f"its streams have {len(people & {1, 2})} of the two people"
    return None


def _refer(clip: dict[str, Any], data: Path) -> dict[str, str]:
    file, mark, rest = clip["path"].partition("#t=")
    path = os.path.relpath(file, data) + mark + rest
    if why := outside(path, data):
        raise InputError(why)
    return {name: referring(path, track) for name, track in TRACKS.items()}


def _write(row: int, clip: dict[str, Any], data: Path, tracks: Streams, folder: Path) -> dict[str, str]:
    files = {name: folder / f"{row}_{name}.mp4" for name in TRACKS}
    write_media(clip["clip_id"], clip["path"], clip["fps"], tracks, files)
    return {name: os.path.relpath(file, data) for name, file in files.items()}
