"""The parts of a protocol in five bytes a clip and fold: with a fold a subject they are many times the clips."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.ingest.manifest_rows import Row
from stages.ingest.protocols import Part

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

#: The parts, by their place in `Fold.part`.
PARTS = ("train", "validation", "test")
TRAIN, VALIDATION, TEST = range(3)


class Codes(NamedTuple):
    """A column of the clips as numbers: equal values have the same, and they count from 0."""

    of: Ints
    """(N,); -1 where there is no value."""
    different: int
    """How many different values there are."""


class Usable(Mapping[str, Row]):
    """The usable clips by clip id, and their place among them."""

    def __init__(self, rows: Iterable[Row]) -> None:
        """Take the rows of the clips, each of another clip id."""
        self.rows = list(rows)
        self.place = {row.clip_id: place for place, row in enumerate(self.rows)}
        self.codes = cache(self._codes)

    def __getitem__(self, clip_id: str) -> Row:
        return self.rows[self.place[clip_id]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.place)

    def __len__(self) -> int:
        return len(self.rows)

    def _codes(self, column: str) -> Codes:
        return coded([getattr(row, column) for row in self.rows])


def coded(values: Sequence[Hashable]) -> Codes:
    """Return values as numbers; None is no value."""
    known: dict[Hashable, int] = {}
    of = [-1 if value is None else known.setdefault(value, len(known)) for value in values]
    return Codes(np.array(of, dtype=np.int64), len(known))


class Fold(NamedTuple):
    """The clips of a fold that are in a part, each once."""

    clip: Ints
    """(N,): places among the usable clips."""
    part: Ints
    """(N,): places in `PARTS`."""


class Parts:
    """The parts of one protocol, fold by fold."""

    def __init__(self, usable: Usable, parts: Iterable[Part]) -> None:
        """Take the parts as they come; they name usable clips only."""
        self.usable = usable
        self._folds: dict[str, tuple[array[int], array[int]]] = {}
        code = {part: place for place, part in enumerate(PARTS)}
        for fold, clip_id, part in parts:
            if fold not in self._folds:
                self._folds[fold] = (array("i"), array("b"))
            clips, held = self._folds[fold]
            clips.append(usable.place[clip_id])
            held.append(code[part])

    def __iter__(self) -> Iterator[Part]:
        for fold, (clips, held) in self._folds.items():
            for clip, part in zip(clips, held, strict=True):
                yield Part(fold, self.usable.rows[clip].clip_id, PARTS[part])

    def folds(self) -> Iterator[Fold]:
        """Yield what each fold holds."""
        for name in self._folds:
            yield self._fold(name)

    def _fold(self, name: str) -> Fold:
        clips, held = self._folds[name]
        return Fold(np.frombuffer(clips, np.int32).astype(np.int64), np.frombuffer(held, np.int8).astype(np.int64))

    def tables(self, protocol: str, ids: pl.Series) -> Iterator[pl.DataFrame]:
        """Yield the rows of table SPLITS, a fold at a time, in the order of their names; `ids` are the usable clips."""
        named = pl.Series(PARTS)
        for name in sorted(self._folds):
            fold = self._fold(name)
            yield pl.DataFrame({"clip_id": ids.gather(fold.clip), "part": named.gather(fold.part)}).with_columns(
                protocol=pl.lit(protocol), fold=pl.lit(name)
            )
