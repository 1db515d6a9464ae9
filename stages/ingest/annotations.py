"""Annotations by time: a table of recording, label, start and end, checked row by row."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from stages.base.errors import InputError
from stages.ingest.clock import EXAMPLE, Unit, ambiguity, parse_time, units_that_fit
from stages.ingest.spreadsheet import Line, read_spreadsheet
from stages.labels.rules import Rules

COLUMNS = ("recording", "label", "start", "end")

#: An annotation may end this many seconds beyond its video's end, where it is cut off: clocks and containers round.
SLACK = 0.5
#: What annotations contradict each other for is told from this many seconds on: hands are not that quick.
SLIVER = 0.04
#: Annotations that all end in this share of their recordings are told: the unit may be another one.
EARLY = 0.1


class Interval(NamedTuple):
    """An annotation; times are seconds from the recording's first frame, `row` is its line in the file, header 1.

    Where the file counts frames, `start` and `end` are frames until `in_seconds` has seen the video.
    """

    recording: str
    label: str
    start: float
    end: float
    row: int


def read_annotations(path: Path, unit: Unit, classes: Collection[str] | None) -> list[Interval]:
    """Return the annotations of a file in their order.

    Args:
        path: a table (see `read_spreadsheet`) with a header that names `COLUMNS`; further columns are left alone.
        unit: of its times; seconds may also be written as HH:MM:SS.mmm, and decimals with a point or a comma.
        classes: the data set's classes; null takes any label.

    Raises:
        InputError: the table is unusable, or a row has no number, a number that can be read in two ways, a time below
            0, an end that is not after its start or an unknown label; it names file, row and key.
    """
    table = read_spreadsheet(path, COLUMNS)
    times = {(line.row, key): line.fields[key] for line in table.lines for key in ("start", "end")}
    doubt = ambiguity(times.values(), table.separator)
    if doubt is not None:
        row, key = next(place for place, said in times.items() if said == doubt[0])
        raise InputError(
            f"{doubt[0]!r} can be read in two ways: {doubt[1]}",
            file=path,
            row=row,
            key=key,
            do="write all times with decimal points and no other mark",
        )
    return [_interval(path, line, unit, classes) for line in table.lines]


def _interval(path: Path, line: Line, unit: Unit, classes: Collection[str] | None) -> Interval:
    row, fields = line
    times = []
    for key in ("start", "end"):
        said = fields[key]
        try:
            time = parse_time(said, unit)
            if not math.isfinite(time):
                raise ValueError("is no number")
        except ValueError as error:
            raise InputError(f"{said!r} {error}", file=path, row=row, key=key, do=f"write {EXAMPLE[unit]}") from None
        if time < 0:
            raise InputError(
                f"{said} is before the recording begins",
                file=path,
                row=row,
                key=key,
                do="count from the recording's first frame",
            )
        times.append(time)
    if times[1] <= times[0]:
        raise InputError(
            f"end {fields['end']} is not after start {fields['start']}",
            file=path,
            row=row,
            key="end",
            do="correct the two, or remove the row",
        )
    recording, label = fields["recording"], fields["label"]
    if not recording or not label:
        raise InputError("is empty", file=path, row=row, key="label" if recording else "recording", do="name one")
    if classes is not None and label not in classes:
        raise InputError(
            f"no such label: {label}",
            file=path,
            row=row,
            key="label",
            do=f"the data set has {', '.join(sorted(classes))}",
        )
    return Interval(recording, label, times[0], times[1], row)


def in_seconds(intervals: Iterable[Interval], fps: float) -> list[Interval]:
    """Return annotations that count frames with times in seconds: frame n begins at n / fps."""
    return [one._replace(start=one.start / fps, end=one.end / fps) for one in intervals]


def within(
    intervals: Sequence[Interval], duration: float, path: Path, unit: Unit, fps: float | None = None
) -> list[Interval]:
    """Return a recording's annotations cut off at its end, `duration` seconds; `fps` is its frame rate.

    Raises:
        InputError: one ends more than `SLACK` beyond it, or begins there; it says where the times are certainly another
            unit's.
    """
    kept = []
    last = max((one.end for one in intervals), default=0.0)
    for one in intervals:
        if one.end > duration + SLACK or one.start >= duration:
            do = "correct the row, or see whether it is this recording's"
            # A file in another unit is far beyond the end, not a few seconds.
            fitting = units_that_fit(last, duration, fps, SLACK) if unit == "seconds" and last > 2 * duration else []
            if len(fitting) == 1:
                do = f"if the file counts {fitting[0]}, set windows.unit: {fitting[0]}; else correct the row"
            elif fitting:
                do = f"see what the file counts ({' and '.join(fitting)} both fit) and say so in windows.unit"
            raise InputError(
                f"{one.label} ends at {one.end:g} s, the video of {one.recording} at {duration:g} s",
                file=path,
                row=one.row,
                key="end",
                do=do,
            )
        kept.append(one._replace(end=min(one.end, duration)))
    return kept


def merged(intervals: Iterable[Interval]) -> tuple[dict[str, list[tuple[float, float]]], list[int]]:
    """Return a recording's annotations as label -> disjoint spans by time, and the rows that overlapped another.

    Spans of one label that overlap are taken for one; that they do is for the audit to say.
    """
    spans: dict[str, list[tuple[float, float]]] = {}
    rows: list[int] = []
    last: dict[str, int] = {}
    for one in sorted(intervals, key=lambda interval: (interval.start, interval.end, interval.row)):
        of_label = spans.setdefault(one.label, [])
        if of_label and one.start < of_label[-1][1]:
            of_label[-1] = (of_label[-1][0], max(of_label[-1][1], one.end))
            rows += [last[one.label], one.row]
        else:
            of_label.append((one.start, one.end))
        last[one.label] = one.row
    return spans, sorted(set(rows))


def breaches(intervals: Sequence[Interval], rules: Rules) -> dict[str, set[int]]:
    """Return each rule that a recording's annotations break at some time -> the rows that do, by whom it is broken."""
    edges = sorted({time for one in intervals for time in (one.start, one.end)})
    found: dict[str, set[int]] = {}
    for start, end in pairwise(edges):
        if end - start < SLIVER:
            continue
        held = [one for one in intervals if one.start <= start and one.end >= end]
        for breach in rules.broken({one.label for one in held}):
            concerned = {one.row for one in held if one.label in breach.labels}
            found.setdefault(breach.rule, set()).update(concerned)
    return found
