"""Arrays beside a room's journal: computed once, memory-mapped when they are read (`segments.py`)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.base.journal.segments import KIND, Found, Segments
from stages.base.journal.store import Journal, Value


class Arrays:
    """One room's arrays, by key."""

    def __init__(self, room: str) -> None:
        """Open them."""
        self._journal = Journal(room, (*KIND, "shape", "dtype"))
        self._segments = Segments("bin")
        self._whole: dict[str, Found] = {}

    def __contains__(self, key: str) -> bool:
        if key not in self._whole:
            found = self._segments.find(self._journal, _keys(key), _length)
            if found.place is None:
                return False
            self._whole[key] = found
        return True

    def __getitem__(self, key: str) -> NDArray[Any]:
        """Return an array, read only.

        Raises:
            KeyError: it is not there, or not whole.
        """
        if key not in self:
            raise KeyError(key)
        found = self._whole[key]
        assert found.value is not None
        assert found.place is not None
        return self._segments.read(found.place).view(np.dtype(found.value["dtype"])).reshape(found.value["shape"])

    def put(self, key: str, array: NDArray[Any]) -> None:
        """Add an array; it survives a kill of this process from here on."""
        more = {"shape": list(array.shape), "dtype": array.dtype.str}
        self._whole[key] = self._segments.add(self._journal, _keys(key), array, **more)

    def __enter__(self) -> Arrays:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._journal.close()
        self._segments.close()


def _keys(key: str) -> Iterator[str]:
    yield key
    for again in count(1):
        yield f"{key}.{again}"


def _length(value: Value) -> int:
    return int(np.prod(value["shape"])) * np.dtype(value["dtype"]).itemsize
