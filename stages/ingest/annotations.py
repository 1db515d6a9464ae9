"""Annotations by time: a CSV of recording, label, start and end, checked row by row."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

from stages.base.errors import InputError
from stages.base.paths import fetch
from stages.core.rules import Rules

COLUMNS = ("recording", "label", "start", "end")
Unit = Literal["seconds", "milliseconds"]
_PER_SECOND: dict[Unit, float] = {"seconds": 1.0, "milliseconds": 1000.0}

#: An annotation may end this many seconds beyond its video's end, where it is cut off: clocks and containers round.
SLACK = 0.5
#: What annotations contradict each other for is told from this many seconds on: hands are not that quick.
SLIVER = 0.04


class Interval(NamedTuple):
    """An annotation; times are seconds from the recording's first frame, `row` is its line in the file, header 1."""

    recording: str
    label: str
    start: float
    end: float
    row: int


def read_annotations(path: Path, unit: Unit, classes: Collection[str] | None) -> list[Interval]:
    """Return the annotations of a file in their order.

    Args:
        path: a CSV with a header that names `COLUMNS`; further columns are left alone.
        unit: of its times.
        classes: the data set's classes; null takes any label.

    Raises:
        InputError: no such file, a column is missing, or a row has no number, a time below 0, an end that is not after
            its start or an unknown label; it names file, row and key.
    """
    if not path.is_file():
        raise InputError("no such file", file=path, do=fetch(path))
    try:
        # A spreadsheet's export may begin with a byte order mark.
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline=""))
        lines = [(reader.line_num, line) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"no CSV table: {error}", file=path, do="export it again, as UTF-8 with commas") from None
    lacking = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
    if lacking:
        raise InputError(f"columns {', '.join(lacking)} are missing", file=path, row=1,
                         do=f"the first line names the columns: {','.join(COLUMNS)}")  # fmt: skip
    return [_interval(path, row, line, unit, classes) for row, line in lines]


def _interval(
    path: Path, row: int, line: Mapping[str, str | None], unit: Unit, classes: Collection[str] | None
) -> Interval:
    times = []
    for key in ("start", "end"):
        said = (line[key] or "").strip()
        try:
            time = float(said) / _PER_SECOND[unit]
        except ValueError:
            time = math.nan
        if not math.isfinite(time):
            raise InputError(f"{said!r} is no number", file=path, row=row, key=key, do=f"write {unit}, such as 12.5")
        if time < 0:
            raise InputError(f"{said} is before the recording begins", file=path, row=row, key=key,
                             do="count from the recording's first frame")  # fmt: skip
        times.append(time)
    if times[1] <= times[0]:
        raise InputError(f"end {line['end']} is not after start {line['start']}", file=path, row=row, key="end",
                         do="correct the two, or remove the row")  # fmt: skip
    recording, label = ((line[key] or "").strip() for key in ("recording", "label"))
    if not recording or not label:
        raise InputError("is empty", file=path, row=row, key="label" if recording else "recording", do="name one")
    if classes is not None and label not in classes:
        raise InputError(f"no such label: {label}", file=path, row=row, key="label",
                         do=f"the data set has {', '.join(sorted(classes))}")  # fmt: skip
    return Interval(recording, label, times[0], times[1], row)


def within(intervals: Iterable[Interval], duration: float, path: Path, unit: Unit) -> list[Interval]:
    """Return a recording's annotations cut off at its end, `duration` seconds.

    Raises:
        InputError: one ends more than `SLACK` beyond it, or begins there; it says where the times look like another
            unit's.
    """
    kept = []
    for one in intervals:
        if one.end > duration + SLACK or one.start >= duration:
            do = "correct the row, or see whether it is this recording's"
            if unit == "seconds" and one.end > 20 * duration:
                do = "if the file counts milliseconds, set windows.unit: milliseconds; else correct the row"
            raise InputError(
                f"{one.label} ends at {one.end:g} s, the video of {one.recording} at {duration:g} s",
                file=path, row=one.row, key="end", do=do,
            )  # fmt: skip
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
