"""Bytes beside a room's journal: written once, memory-mapped when they are read.

A record is bytes in a segment; the journal says where they lie, with their checksum. So a killed run goes on, any
number of processes write (each its own segment), and what a disk changed is not taken.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.base.journal.store import Journal, Value

#: What the journal keeps of every record; whoever writes it may add more.
KIND = ("segment", "offset", "crc")


class Place(NamedTuple):
    """Where a record's bytes are."""

    path: Path
    offset: int
    length: int


class Found(NamedTuple):
    """A record that is whole, or why there is none."""

    value: Value | None
    """What the journal keeps of it."""
    place: Place | None
    changed: Path | None
    """The segment of a record that a disk changed, where no whole one was found."""


class Segments:
    """The segments of one room; its journal is open while records are looked for and added."""

    def __init__(self, suffix: str) -> None:
        """Say how segments are called."""
        self._suffix = suffix
        self._out: IO[bytes] | None = None
        self._maps: dict[Path, NDArray[np.uint8]] = {}

    def find(self, journal: Journal, keys: Iterable[str], length: Callable[[Value], int]) -> Found:
        """Return the first record that is whole.

        Args:
            journal: of the room.
            keys: under which it may be kept, without end: the first record's, then those of what took its place. Of two
                records with one key the journal may give either, so a lost one's key is not taken again.
            length: bytes of a record.
        """
        changed = None
        for key in keys:
            if key not in journal:
                break
            value = journal.get(key)
            place = Place(journal.folder / value["segment"], int(value["offset"]), length(value))
            if not place.path.exists() or place.path.stat().st_size < place.offset + place.length:
                continue  # somebody removed it
            if zlib.crc32(self.read(place).data) == value["crc"]:
                return Found(value, place, None)
            changed = place.path
        return Found(None, None, changed)

    def add(self, journal: Journal, keys: Iterable[str], array: NDArray[Any], **more: Any) -> Found:
        """Add a record under the first of `keys` that is free; it survives a kill of this process from here on."""
        if self._out is None:
            journal.folder.mkdir(parents=True, exist_ok=True)
            self._segment = journal.folder / f"{uuid.uuid4().hex}.{self._suffix}"
            self._out = self._segment.open("wb", buffering=0)
        data = array.tobytes()
        offset, view = self._out.tell(), memoryview(data)
        while view:  # an unbuffered write may be short on a full disk; the next call then raises ENOSPC
            view = view[self._out.write(view) or 0 :]
        value = {"segment": self._segment.name, "offset": offset, "crc": zlib.crc32(data), **more}
        journal.put(next(key for key in keys if key not in journal), value)
        return Found(value, Place(self._segment, offset, len(data)), None)

    def read(self, place: Place) -> NDArray[np.uint8]:
        """Return a record as it lies in its segment, flat and read only."""
        whole = self._maps.get(place.path)
        if whole is None or len(whole) < place.offset + place.length:
            whole = self._maps[place.path] = np.memmap(place.path, np.uint8, mode="r")
        return whole[place.offset : place.offset + place.length]

    def close(self) -> None:
        """Close the segment that was written; another one begins with the next record."""
        if self._out is not None:
            self._out.close()
            self._out = None
