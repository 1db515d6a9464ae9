"""A data set's clips, from names, from time annotations of recordings, or from published lists."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from stages.annotated.base import Annotations, Segment
from stages.base.errors import InputError
from stages.base.params import compute
from stages.base.paths import fetch
from stages.base.video.spans import Span, fragment
from stages.ingest.adapters import Adapter
from stages.ingest.annotations import SLACK
from stages.ingest.audit import Finding
from stages.ingest.manifest_rows import TAKEN, Row, rows_of
from stages.ingest.params import IngestParams
from stages.ingest.probing import Cuts, probe_rows
from stages.ingest.sources import read_source
from stages.ingest.windows import clips_of
from stages.labels.classes import ClassList, Labels, class_list


class Clips(NamedTuple):
    """What a data set has, and how much of it the journal knew."""

    rows: list[Row]
    findings: list[Finding]
    others: list[str]
    """Files that are no videos."""
    known: int
    listed: Annotations | None
    """What published lists say, where the data set has such."""


def read_clips(source: Path, params: IngestParams, adapter: Adapter, manifest: Path) -> Clips:
    """Return the clips of a data set; those that cannot be used have an error.

    Args:
        source: folder of the clips, or file of their names; of a data set with published lists the folder of these.
        params: of the data set.
        adapter: how its clips are named, or its lists read.
        manifest: where the rows will go: what its last version tells is not decoded again.

    Raises:
        InputError: the source, its annotations or lists are unusable.
    """
    if adapter.annotated is not None:
        return _listed(source, adapter.annotated(source), params, adapter, manifest)
    if params.videos is not None:
        raise InputError(
            "the record's `clips` has the videos", file="params/datasets", key="ingest.videos", do="leave it out"
        )
    entries, others = read_source(source)
    rows = rows_of(entries, adapter)
    del entries
    probed = probe_rows(rows, compute().processes, manifest, params.windows, most=params.pixels)
    clips = clips_of(probed.rows, probed.counts, params, adapter, source)
    others = [name for name in others if params.windows is None or name != params.windows.annotations]
    return Clips(clips.rows, clips.findings, others, probed.known, None)


def classes_of(clips: Clips, kind: Labels) -> ClassList:
    """Return the class list of the usable clips, with verb and noun where labels are made of these."""
    usable = [row for row in clips.rows if row.error is None]
    pairs = {label: (row.verb, row.noun) for row in usable if row.verb and row.noun for label in row.labels}
    return class_list((row.labels for row in usable), kind, pairs)


def _listed(folder: Path, listed: Annotations, params: IngestParams, adapter: Adapter, manifest: Path) -> Clips:
    if params.windows is not None or params.rules is not None:
        raise InputError(
            "the data set's lists say which clips there are",
            file="params/datasets",
            key="ingest.windows",
            do="leave it out",
        )
    segments = list(_once(listed.segments))
    findings = [Finding("all", "annotations", "note", f"{folder}: {note}", 0, [], {}, {}, []) for note in listed.notes]
    if params.videos is None:
        rows = [_row(one, None) for one in segments]
        return Clips(_ordered(rows), findings, [], 0, listed)
    source = read_source(Path(params.videos))
    videos = {row.clip_id: row for row in rows_of(source.entries, adapter) if row.error is None}
    wanted: dict[str, list[Segment]] = defaultdict(list)
    for one in segments:
        if one.recording in videos:
            wanted[one.recording].append(one)
    recordings = [videos[name] for name in sorted(wanted)]
    spans = {
        str(videos[name].path): [
            Span(one.start, one.end) for one in of if one.start is not None and one.end is not None
        ]
        for name, of in wanted.items()
    }
    probed = probe_rows(recordings, compute().processes, manifest, Cuts(spans), most=params.pixels)
    known = {row.clip_id: row for row in probed.rows}
    rows = []
    for name, of in wanted.items():
        counts = iter(probed.counts.get(known[name].path or "", []))
        rows += [_cut(one, known[name], counts) for one in of]
    absent = f"no video of it in {params.videos}: {fetch(Path(params.videos))}"
    rows += [_row(one, absent) for one in segments if one.recording not in videos]
    return Clips(_ordered(rows), findings, source.others, probed.known, listed)


def _once(segments: Sequence[Segment]) -> Iterator[Segment]:
    seen: set[str] = set()
    for one in segments:
        if one.clip_id in seen:
            raise InputError(f"{TAKEN}: {one.clip_id} is listed twice", key="clip_id", do="remove one of the rows")
        seen.add(one.clip_id)
        yield one


def _row(one: Segment, error: str | None) -> Row:
    duration = one.end - one.start if one.start is not None and one.end is not None else None
    return Row(
        one.clip_id,
        labels=_labels(one),
        subject=one.subject,
        camera=one.camera,
        group=one.recording if one.start is not None else None,
        start=one.start,
        end=one.end,
        duration=duration,
        frames=one.frames,
        fps=one.fps,
        error=error or one.error,
        narration=one.narration,
        verb=one.verb,
        noun=one.noun,
        part=one.part,
    )


def _labels(one: Segment) -> tuple[str, ...]:
    if one.labels is not None:
        return one.labels
    return (one.label,) if one.label else ()


def _cut(one: Segment, recording: Row, counts: Iterator[int]) -> Row:
    """Return a segment of a video as a row: a window of it, or all of it."""
    row = _row(one, recording.error)._replace(
        path=recording.path,
        bytes=recording.bytes,
        md5=recording.md5,
        fps=recording.fps,
        width=recording.width,
        height=recording.height,
        journal_key=recording.journal_key,
    )
    if one.start is None or one.end is None or recording.error is not None:
        return row._replace(duration=recording.duration, frames=recording.frames) if one.start is None else row
    frames, length = next(counts), recording.duration or 0.0
    error = None if frames else "no frame in this segment"
    if one.end > length + SLACK or one.start >= length:
        error = (
            f"ends at {one.end:g} s, its video at {length:g} s: annotations of another version, or a video cut short"
        )
    span = Span(one.start, one.end)
    return row._replace(
        path=fragment(recording.path, span),
        md5=hashlib.md5(f"{recording.md5} {span.start} {span.end}".encode(), usedforsecurity=False).hexdigest(),
        frames=frames,
        error=error,
    )


def _ordered(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: row.clip_id)
