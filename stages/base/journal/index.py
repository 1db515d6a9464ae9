"""Where the records of a long segment are, in a file beside it, so that a journal opens without reading every byte.

An index covers the first bytes of its segment, which nobody changes once they are written; what was appended since is
read as before. It holds a record's key, place and fields. Whoever reads a long segment first writes it; it can be
deleted at any time. A damaged one is not taken. What a place holds is checked when it is read.
"""

from __future__ import annotations

import json
import os
import re
import uuid
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: Shorter segments, bytes, are read about as fast as an index is.
LEAST = 2**20
VERSION = 1
#: A record: its key's 32 hexadecimal digits as two numbers, where its JSON begins and how long it is, in bytes, and the
#: place of its fields in the header.
RECORD = np.dtype([("high", "<u8"), ("low", "<u8"), ("offset", "<u8"), ("length", "<u4"), ("fields", "<u2")])
#: In compact JSON a quote within a text is escaped, so this finds fields and nothing else.
_FIELD = re.compile(rb'"([^"\\]+)":')
_KEY = re.compile("[0-9a-f]{32}")


class Place(NamedTuple):
    """Where a record's JSON is."""

    segment: Path
    offset: int
    length: int


class Found(NamedTuple):
    """A segment's index: the bytes that it covers and the records in them, of the kinds that were asked for."""

    covered: int
    records: NDArray[np.void]


def split_key(key: str) -> tuple[int, int] | None:
    """Return a key of 32 hexadecimal digits as two numbers; None for another, which has no place in an index."""
    return (int(key[:16], 16), int(key[16:], 16)) if _KEY.fullmatch(key) else None


class Record(NamedTuple):
    """A whole record of a segment."""

    key: str
    offset: int
    """Where its JSON begins, bytes."""
    body: bytes
    """The JSON, with the end of the line."""
    end: int
    """Where its line ends."""


def read_records(segment: Path, start: int = 0) -> Iterator[Record]:
    """Yield the records of a segment from a byte on, less those that are damaged, or torn by a crash.

    Raises:
        OSError: the segment cannot be read.
    """
    offset = start
    with segment.open("rb") as lines:
        lines.seek(start)
        for line in lines:
            offset += len(line)
            key, _, rest = line.partition(b"\t")
            crc, _, body = rest.partition(b"\t")
            if body.endswith(b"\n") and crc == b"%08x" % zlib.crc32(body):
                yield Record(key.decode(errors="replace"), offset - len(body), body, offset)


def index_of(segment: Path) -> Path:
    """Return the file of a segment's index."""
    return segment.with_suffix(".index")


def make_index(segment: Path, kinds: Sequence[Iterable[str]]) -> Found | None:
    """Read all of a segment, write its index and return it; None where a key is no hash.

    Where the folder cannot be written the segment is read each time.

    Raises:
        OSError: the segment cannot be read.
    """
    columns = {name: array(kind) for name, kind in zip(RECORD.names or (), "QQQIH", strict=True)}
    sets: dict[tuple[bytes, ...], int] = {}
    covered = 0
    for record in read_records(segment):
        halves, place = split_key(record.key), sets.setdefault(tuple(_FIELD.findall(record.body)), len(sets))
        if halves is None or place >= 2**16:
            return None
        values = (*halves, record.offset, len(record.body), place)
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
        covered = record.end
    records = np.empty(len(columns["high"]), RECORD)
    for name, column in columns.items():
        records[name] = column
    listed = [sorted({name.decode(errors="replace") for name in names}) for names in sets]
    _write(segment, covered, records.tobytes(), listed)
    return Found(covered, _of_kinds(records, listed, kinds))


def _write(segment: Path, covered: int, body: bytes, fields: list[list[str]]) -> None:
    head = {"version": VERSION, "covered": covered, "crc": zlib.crc32(body), "fields": fields}
    part = segment.with_suffix(f".{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as out:
            out.write(json.dumps(head).encode() + b"\n" + body)
            out.flush()
            os.fsync(out.fileno())
        part.rename(index_of(segment))
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def read_index(segment: Path, kinds: Sequence[Iterable[str]]) -> Found | None:
    """Return a segment's index, with the records that have all fields of one of `kinds`; None where there is none."""
    try:
        with index_of(segment).open("rb") as file:
            head = json.loads(file.readline())
            body = file.read()
        size = segment.stat().st_size
    except (OSError, ValueError):
        return None
    fits = isinstance(head, Mapping) and head.get("version") == VERSION and head.get("crc") == zlib.crc32(body)
    if not fits or head["covered"] > size or len(body) % RECORD.itemsize:
        return None
    return Found(head["covered"], _of_kinds(np.frombuffer(body, RECORD), head["fields"], kinds))


def _of_kinds(
    records: NDArray[np.void], fields: Sequence[Sequence[str]], kinds: Sequence[Iterable[str]]
) -> NDArray[np.void]:
    if not kinds or not len(records):
        return records
    wanted = np.array([any(set(kind) <= set(names) for kind in kinds) for names in fields], np.bool_)
    kept: NDArray[np.void] = records[wanted[records["fields"]]]
    return kept


class Indexed:
    """The records of several segments, looked up by key; of a key that two have, the later segment's."""

    def __init__(self, segments: Sequence[Path], found: Sequence[NDArray[np.void]]) -> None:
        """Join the records of each segment."""
        self._segments = list(segments)
        joined = np.concatenate(found) if found else np.empty(0, RECORD)
        order = np.lexsort((np.arange(len(joined)), joined["low"], joined["high"]))
        self._of = np.repeat(np.arange(len(found)), [len(one) for one in found])[order].astype(np.uint32)
        self._records = joined[order]
        both = (self._records["high"][1:] == self._records["high"][:-1]) & (
            self._records["low"][1:] == self._records["low"][:-1]
        )
        if both.any():
            last = np.append(~both, True)
            self._records, self._of = self._records[last], self._of[last]
        # A copy: a look-up in a column of records is slower by far.
        self._high = np.ascontiguousarray(self._records["high"])

    def __len__(self) -> int:
        return len(self._records)

    def find(self, key: str) -> Place | None:
        """Return where a key's record is; None where none of the segments has it."""
        halves = split_key(key) if len(self._records) else None
        if halves is None:
            return None
        at = int(np.searchsorted(self._high, np.uint64(halves[0])))
        while at < len(self._records) and self._high[at] == halves[0]:
            record = self._records[at]
            if record["low"] == halves[1]:
                return Place(self._segments[self._of[at]], int(record["offset"]), int(record["length"]))
            at += 1
        return None

    def keys(self) -> set[str]:
        """Return all keys."""
        return {f"{high:016x}{low:016x}" for high, low in self._records[["high", "low"]].tolist()}
