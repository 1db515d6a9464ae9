"""What a data set's protocols have in each part, read where it is asked for: with folds that is many rows a clip."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import polars as pl

from stages.base.schema import SPLITS
from stages.base.tables import read_table
from stages.stats.clips import placed
from stages.stats.design import Mask


class SplitParts:
    """The parts of the protocols of table SPLITS."""

    def __init__(self, splits: Path, manifest: pl.DataFrame) -> None:
        """Take the file of the table, and the clips that it is of."""
        self._splits, self._manifest = splits, manifest

    def clips(self, protocol: str, part: str) -> pl.DataFrame:
        """Return the rows of a protocol's part."""
        wanted = (pl.col("protocol") == protocol) & (pl.col("part") == part)
        return read_table(self._splits, SPLITS, lambda piece: piece.filter(wanted))

    def classes(self, protocol: str, part: str) -> frozenset[str]:
        """Return the classes of the usable clips of a protocol's part, those of all folds together."""
        return self._classes.get((protocol, part), frozenset())

    @cached_property
    def _classes(self) -> dict[tuple[str, str], frozenset[str]]:
        clips = self._manifest.sort("clip_id")
        held: dict[tuple[str, str], Mask] = {}

        def count(piece: pl.DataFrame) -> pl.DataFrame:
            # A clip that the manifest lacks has no label either.
            for (protocol, part), rows in placed(piece, clips["clip_id"]).group_by("protocol", "part"):
                key = (str(protocol), str(part))
                held.setdefault(key, np.zeros(len(clips), np.bool_))[rows["place"].to_numpy()] = True
            return piece.clear()

        read_table(self._splits, SPLITS, count)
        usable, labels = clips["error"].is_null().to_numpy(), clips["labels"]
        return {
            key: frozenset(labels.filter(pl.Series(usable & mask, dtype=pl.Boolean)).explode().drop_nulls())
            for key, mask in held.items()
        }
