"""Arrays beside a room's journal: computed once, memory-mapped when they are read.

A record is bytes in a segment; the journal says where it lies, with its shape and checksum. So a killed run goes on,
any number of processes write (each its own segment), and what a disk changed is computed again.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from stages.journal.store import Journal

KIND = ("segment", "offset", "crc", "shape", "dtype")


class Arrays:
    """One room's arrays, by key."""

    def __init__(self, room: str) -> None:
        """Open them."""
        self._journal = Journal(room, KIND)
        self._out: IO[bytes] | None = None
        self._maps: dict[Path, NDArray[np.uint8]] = {}
        self._whole: dict[str, str] = {}

    def __contains__(self, key: str) -> bool:
        for own in () if key in self._whole else self._keys(key):
            if own not in self._journal:
                return False
            value = self._journal.get(own)
            flat = self._bytes(value)
            if flat is not None and zlib.crc32(flat.data) == value["crc"]:  # else somebody removed or changed it
                self._whole[key] = own
                break
        return True

    def _keys(self, key: str) -> Iterator[str]:
        """Yield the keys under which an array may be kept: the first record's, then those of what took its place.

        Of two records with one key the journal may give either, so a lost one's key is not taken again.
        """
        yield key
        for again in count(1):
            yield f"{key}.{again}"

    def __getitem__(self, key: str) -> NDArray[Any]:
        """Return an array, read only.

        Raises:
            KeyError: it is not there, or not whole.
        """
        if key not in self:
            raise KeyError(key)
        value = self._journal.get(self._whole[key])
        flat = self._bytes(value)
        assert flat is not None
        return flat.view(np.dtype(value["dtype"])).reshape(value["shape"])

    def put(self, key: str, array: NDArray[Any]) -> None:
        """Add an array; it survives a kill of this process from here on."""
        if self._out is None:
            self._journal.folder.mkdir(parents=True, exist_ok=True)
            self._segment = self._journal.folder / f"{uuid.uuid4().hex}.bin"
            self._out = self._segment.open("wb", buffering=0)
        data = np.ascontiguousarray(array).tobytes()
        offset, view = self._out.tell(), memoryview(data)
        while view:  # an unbuffered write may be short on a full disk; the next call then raises ENOSPC
            view = view[self._out.write(view) or 0 :]
        place = {"segment": self._segment.name, "offset": offset, "crc": zlib.crc32(data)}
        own = next(own for own in self._keys(key) if own not in self._journal)
        self._journal.put(own, place | {"shape": list(array.shape), "dtype": array.dtype.str})
        self._whole[key] = own

    def _bytes(self, value: dict[str, Any]) -> NDArray[np.uint8] | None:
        path = self._journal.folder / value["segment"]
        first = int(value["offset"])
        last = first + int(np.prod(value["shape"])) * np.dtype(value["dtype"]).itemsize
        if not path.exists() or path.stat().st_size < last:
            return None
        known = self._maps.get(path)
        if known is None or len(known) < last:
            known = self._maps[path] = np.memmap(path, np.uint8, mode="r")
        return known[first:last]

    def __enter__(self) -> Arrays:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._journal.close()
        if self._out is not None:
            self._out.close()
            self._out = None
