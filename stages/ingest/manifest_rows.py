"""A clip as a manifest row, and how a source's names become rows: every name a row, nothing dropped."""

from __future__ import annotations

from collections.abc import Iterable
from sys import intern
from typing import Any, NamedTuple

from stages.ingest.adapters import Adapter, Named

#: How an error begins that comes from the name alone; such a clip has no label to go by.
NOT_IN_GRAMMAR = "name not in the grammar"
UNKNOWN_LABEL = "label not in the class list"
TAKEN = "clip id taken"
BAD_NAME = "the file's name is not UTF-8"
NO_FILE = "not a file"
NAME_ERRORS = (NOT_IN_GRAMMAR, UNKNOWN_LABEL, TAKEN, BAD_NAME, NO_FILE)
#: How an error begins that comes from the annotations.
NO_ANNOTATIONS = "the recording has no annotations"
LABELS_BREAK_RULES = "labels break a rule"


class Row(NamedTuple):
    """A row of table MANIFEST; see `base/schema.py`."""

    clip_id: str
    path: str | None = None
    bytes: int | None = None
    md5: str | None = None
    labels: tuple[str, ...] = ()
    subject: str | None = None
    camera: str | None = None
    group: str | None = None
    start: float | None = None
    end: float | None = None
    duration: float | None = None
    frames: int | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    error: str | None = None
    journal_key: str | None = None
    narration: str | None = None
    verb: str | None = None
    noun: str | None = None
    part: str | None = None
    """That the data set's own lists give; what protocols make of it is in table SPLITS."""

    def written(self) -> dict[str, Any]:
        """Return the row as the manifest has it."""
        return {name: value for name, value in self._asdict().items() if name != "part"}


class Entry(NamedTuple):
    """A clip's name as the adapter parses it, how its source spells it, and its file where there is one."""

    name: str
    """With `/` and without a video's suffix."""
    shown: str
    path: str | None = None
    error: str | None = None
    """Why the file is not looked at."""


def rows_of(entries: Iterable[Entry], adapter: Adapter) -> list[Row]:
    """Return a row for each entry, sorted by clip id.

    A name that does not parse, or whose clip id another entry (earlier by spelling) has, keeps its own spelling as
    clip id and has an error and no labels. A clip whose label is not in the adapter's class list has an error too.
    """
    rows: dict[str, Row] = {}
    for entry in sorted(entries, key=lambda entry: entry.shown):
        row = _row(entry, adapter.parse(entry.name), adapter)
        if row.clip_id in rows:
            error = row.error or f"{TAKEN}: {row.clip_id} is another entry's"
            row = Row(_free(entry.shown, rows), entry.path, error=error)
        rows[row.clip_id] = row
    return [rows[clip_id] for clip_id in sorted(rows)]


def _row(entry: Entry, named: Named | None, adapter: Adapter) -> Row:
    if named is None:
        return Row(entry.shown, entry.path, error=entry.error or f"{NOT_IN_GRAMMAR} {adapter.grammar}")
    # One text for all clips of a class, a subject, a camera or a group: a text of its own for each takes 50 bytes.
    labels, error = tuple(sorted(map(intern, named.labels))), entry.error
    if error is None and adapter.classes is not None and not adapter.classes.issuperset(labels):
        labels, error = (), f"{UNKNOWN_LABEL}: {', '.join(sorted(set(labels) - adapter.classes))}"
    return Row(
        named.clip_id,
        entry.path,
        labels=labels,
        subject=named.subject and intern(named.subject),
        camera=named.camera and intern(named.camera),
        group=named.group and intern(named.group),
        error=error,
        narration=named.narration if labels else None,
        part=named.part,
    )


def _free(clip_id: str, taken: dict[str, Row]) -> str:
    """Return the id, numbered where it is taken: a list may name a clip twice in one spelling."""
    free, number = clip_id, 1
    while free in taken:
        number += 1
        free = f"{clip_id} ({number})"
    return free
