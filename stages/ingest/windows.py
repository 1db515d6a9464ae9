"""Long videos cut into windows: rows of the manifest whose labels are what the annotations say of their time.

A recording's windows begin every `length * (1 - overlap)` seconds, the last one where a whole one still fits. A window
has the labels whose annotations cover more than `share` of it. More than half, say, of two labels that exclude each
other can never be.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.base.errors import InputError
from stages.base.video.spans import TICK, Span, fragment
from stages.ingest.adapters import Adapter
from stages.ingest.annotations import EARLY, Interval, breaches, in_seconds, merged, read_annotations, within
from stages.ingest.audit import EXAMPLES, Finding, Severity
from stages.ingest.manifest_rows import LABELS_BREAK_RULES, NO_ANNOTATIONS, Row
from stages.ingest.params import IngestParams, Windows
from stages.ingest.sources import bare
from stages.labels.rules import Rules

Spans = Mapping[str, Sequence[tuple[float, float]]]


class Cut(NamedTuple):
    """The windows, and the recordings that give none, sorted by clip id; what the audit must say of annotations."""

    rows: list[Row]
    findings: list[Finding]


def spans(duration: float, windows: Windows) -> list[Span]:
    """Return the windows of a recording of so many seconds, rounded to microseconds."""
    hop = windows.length * (1 - windows.overlap)
    count = int((duration - windows.length + TICK) // hop) + 1 if duration + TICK >= windows.length else 0
    return [Span(round(place * hop, 6), round(place * hop + windows.length, 6)) for place in range(count)]


def frames_of(times: Sequence[float], windows: Sequence[Span]) -> list[int]:
    """Return how many of the frames at `times`, ascending, each window holds."""
    edges = np.asarray(windows, float).reshape(-1, 2) - TICK
    low, high = np.searchsorted(np.asarray(times, float), edges.T, side="left")
    return [int(count) for count in high - low]


def clips_of(
    recordings: Sequence[Row],
    counts: Mapping[str, Sequence[int]],
    params: IngestParams,
    adapter: Adapter,
    source: Path,
) -> Cut:
    """Return a data set's clips: the videos themselves, or the windows of them, labelled by the annotations.

    Args:
        recordings: a row of each video; one with an error stays as it is.
        counts: path of each usable video -> frames of each of its windows.
        params: of the data set.
        adapter: how its videos are named, and which classes there are.
        source: folder of the videos, and of their annotations.

    Raises:
        InputError: an annotation is unusable (see `read_annotations` and `within`), or the rules name a class that
            there is not.
    """
    known = adapter.classes or (params.rules.names if params.rules else set())
    if params.rules and (unknown := sorted(params.rules.names - known)):
        raise InputError(f"no such label: {', '.join(unknown)}", key="rules", do=f"name some of {sorted(known)}")
    whole = Cut(list(recordings), [])
    made = _windows(recordings, counts, params, params.windows, adapter, source) if params.windows else whole
    return made._replace(rows=keep_rules(made.rows, params.rules))


def _windows(
    recordings: Sequence[Row],
    counts: Mapping[str, Sequence[int]],
    params: IngestParams,
    windows: Windows,
    adapter: Adapter,
    source: Path,
) -> Cut:
    path = source / windows.annotations
    by_recording: dict[str, list[Interval]] = defaultdict(list)
    for interval in read_annotations(path, windows.unit, adapter.classes):
        named = adapter.parse(bare(interval.recording))
        by_recording[named.clip_id if named else interval.recording].append(interval)
    rows: list[Row] = []
    findings: list[Finding] = []
    overlapping: dict[str, list[int]] = {}
    breaking: dict[str, dict[str, list[int]]] = defaultdict(dict)
    covered: dict[str, float] = {}
    for recording in recordings:
        if recording.error is not None:
            rows.append(recording)
            continue
        intervals = by_recording.get(recording.clip_id)
        if not intervals:
            rows.append(recording._replace(error=f"{NO_ANNOTATIONS} in {path}"))
            continue
        if windows.unit == "frames":
            if not recording.fps:
                rows.append(recording._replace(error="its frame rate is not known, and annotations count frames"))
                continue
            intervals = in_seconds(intervals, recording.fps)
        intervals = within(intervals, recording.duration or 0.0, path, windows.unit, recording.fps)
        covered[recording.clip_id] = max(one.end for one in intervals) / (recording.duration or 1.0)
        for rule, concerned in (breaches(intervals, params.rules) if params.rules else {}).items():
            breaking[rule][recording.clip_id] = sorted(concerned)
        said, twice = merged(intervals)
        if twice:
            overlapping[recording.clip_id] = twice
        rows += _cut(recording, counts[recording.path or ""], said, windows)
    if covered and max(covered.values()) < EARLY:
        rows_of = {name: [one.row for one in by_recording[name]] for name in covered}
        findings.append(
            _annotations(
                "annotations_end_early",
                "warning",
                path,
                rows_of,
                f"annotations are all in the first {EARLY:.0%} of their recordings: see whether "
                f"the file counts {windows.unit}",
            )
        )
    if overlapping:
        findings.append(
            _annotations(
                "overlapping_annotations",
                "note",
                path,
                overlapping,
                "annotations of one label overlap in time and are taken for one",
            )
        )
    for rule, where in sorted(breaking.items()):
        findings.append(
            _annotations("annotations_break_rules", "warning", path, where, f"annotations break a rule: {rule}")
        )
    strangers = {
        name: [one.row for one in found]
        for name, found in by_recording.items()
        if name not in {row.clip_id for row in recordings}
    }
    if strangers:
        findings.append(
            _annotations(
                "annotations_without_video",
                "warning",
                path,
                strangers,
                "annotations are of recordings that are not there",
            )
        )
    return Cut(sorted(rows), findings)


def _cut(recording: Row, counts: Sequence[int], said: Spans, windows: Windows) -> Iterable[Row]:
    found = spans(recording.duration or 0.0, windows)
    if not found:
        yield recording._replace(error=f"shorter than a window of {windows.length:g} s")
    for span, frames in zip(found, counts, strict=True):
        yield recording._replace(
            clip_id=f"{recording.clip_id}_{round(1000 * span.start):07d}",
            path=fragment(recording.path, span),
            md5=hashlib.md5(f"{recording.md5} {span.start} {span.end}".encode(), usedforsecurity=False).hexdigest(),
            labels=labels(said, span, windows.share),
            start=span.start,
            end=span.end,
            duration=windows.length,
            frames=frames,
            error=None if frames else "no frame in this window",
        )


def labels(said: Spans, span: Span, share: float) -> tuple[str, ...]:
    """Return the labels, sorted, that cover more than a share of a window."""
    held = []
    for label, times in said.items():
        covered = sum(max(0.0, min(end, span.end) - max(start, span.start)) for start, end in times)
        if covered > share * (span.end - span.start) + TICK:
            held.append(label)
    return tuple(sorted(held))


def keep_rules(rows: Sequence[Row], rules: Rules | None) -> list[Row]:
    """Return the rows; one whose labels break a rule has an error that says which: it is no reference."""
    if rules is None:
        return list(rows)
    kept = []
    for row in rows:
        broken = "; ".join(breach.rule for breach in rules.broken(row.labels))
        kept.append(row._replace(error=f"{LABELS_BREAK_RULES}: {broken}") if broken and row.error is None else row)
    return kept


def _annotations(kind: str, severity: Severity, path: Path, rows: Mapping[str, Sequence[int]], text: str) -> Finding:
    """Return a finding about rows of the annotations; its examples are recordings with their rows."""
    listed = [
        f"{name} (rows {', '.join(map(str, numbers[:6]))}{', ...' if len(numbers) > 6 else ''})"
        for name, numbers in sorted(rows.items())
    ]
    count = sum(map(len, rows.values()))
    return Finding("all", kind, severity, f"{path}: {count} {text}", len(rows), [], {}, {}, listed[:EXAMPLES])
