"""The clips of all test parts: their class, their subject and why some cannot be scored."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.stats.design import Ints, Mask

Objects = NDArray[np.object_]

#: Why a clip has no verdict by a metric that has no row for it.
NOT_MEASURED = "no answer was measured"


@dataclass(frozen=True)
class Clips:
    """The M clips that are in the test part of any protocol, sorted by id, and which of them each protocol tests."""

    ids: Objects
    """(M,): clip ids."""
    label: Objects
    """(M,): the clip's class, None where it has not exactly one."""
    labels: Objects
    """(M,): all of its classes, a tuple."""
    subject: Objects
    """(M,): the cluster: of a window its recording, else (of a narrated segment too) its subject, where there is none
    its group, or itself."""
    unusable: Objects
    """(M,): why no answer that is one class can be scored, else None."""
    usable: Mask
    """(M,): whether such an answer can be scored."""
    broken: Objects
    """(M,): why no answer that is a set of classes can be scored, else None."""
    protocols: dict[str, Ints]
    """Protocol -> indices of its test clips, those of all folds together."""

    @cached_property
    def column(self) -> pl.Series:
        """`ids` as a column, of which each table that is made of it shares the texts."""
        return pl.Series("clip_id", self.ids.tolist(), dtype=pl.String)

    def placed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows that are of these clips, in any order, with `place`, the index of the clip."""
        return placed(rows, self.column)


def placed(rows: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Return the rows whose `clip_id` is one of sorted ids, in any order, with `place`, its index among these."""
    low = high = 0
    if len(rows):
        # A piece of a table is of neighbours: it is not compared with all clips, which would take their square.
        first, last = str(rows["clip_id"].min()), str(rows["clip_id"].max())
        low, high = bisect_left(ids, first), bisect_right(ids, last)
    near = pl.DataFrame({"clip_id": ids.slice(low, high - low), "place": pl.int_range(low, high, eager=True)})
    return rows.join(near, on="clip_id")


def of_scores(piece: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of table MANIFEST that scoring looks at."""
    return piece.select("clip_id", "labels", "subject", "group", "start", "error", "narration")


def of_tests(piece: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of table SPLITS that `clips_to_score` looks at, of which there is one a clip and protocol."""
    return piece.filter(pl.col("part") == "test")


def clips_to_score(manifest: pl.DataFrame, splits: pl.DataFrame, run: Run) -> Clips:
    """Return the clips that may be scored; train and validation parts are never among them.

    Raises:
        InputError: a test part names a clip that the manifest lacks.
    """
    test = splits.filter(pl.col("part") == "test").select("protocol", "clip_id").unique()
    named = test.select("clip_id").unique()
    check_known(named, manifest, run.splits)
    count = pl.col("labels").list.len()
    one = count == 1
    clips = (
        manifest.join(named, on="clip_id", how="semi")
        .sort("clip_id")
        .select(
            "clip_id",
            pl.when(one).then(pl.col("labels").list.first()).alias("label"),
            "labels",
            pl.when(pl.col("start").is_not_null() & pl.col("narration").is_null())
            .then(pl.coalesce("group", "subject", "clip_id"))
            .otherwise(pl.coalesce("subject", "group", "clip_id"))
            .alias("subject"),
            pl.when(pl.col("error").is_not_null())
            .then(pl.format("clip is unusable: {}", "error"))
            .when(~one)
            .then(pl.format("clip has {} labels, expected one", count))
            .alias("unusable"),
            pl.when(pl.col("error").is_not_null()).then(pl.format("clip is unusable: {}", "error")).alias("broken"),
        )
    )
    place = clips.select("clip_id").with_row_index("place")
    placed = test.join(place, on="clip_id").sort("protocol", "clip_id")
    return Clips(
        ids=_objects(clips["clip_id"]),
        label=_objects(clips["label"]),
        labels=_tuples(clips["labels"]),
        subject=_objects(clips["subject"]),
        unusable=_objects(clips["unusable"]),
        usable=clips["unusable"].is_null().to_numpy(),
        broken=_objects(clips["broken"]),
        protocols={
            str(name): rows["place"].to_numpy().astype(np.int64)
            for (name,), rows in placed.group_by("protocol", maintain_order=True)
        },
    )


def _objects(column: pl.Series) -> Objects:
    return _shared(column.to_list())


def _tuples(column: pl.Series) -> Objects:
    return _shared([tuple(labels) for labels in column.to_list()])


def _shared(values: Sequence[Any]) -> Objects:
    """Return values as an array, equal ones as one object: a text of its own for each clip takes ten times as much."""
    known: dict[Any, Any] = {}
    found = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):  # at once, numpy would make a matrix of sets of one size
        found[place] = known.setdefault(value, value)
    return found


def check_known(rows: pl.DataFrame, manifest: pl.DataFrame, file: Path) -> None:
    """Raise an InputError where a table names a clip that the manifest lacks."""
    unknown = rows.select("clip_id").unique().join(manifest, on="clip_id", how="anti")["clip_id"].sort()
    if len(unknown):
        raise InputError(
            f"{len(unknown)} clips are not in the manifest",
            file=file,
            row=unknown[0],
            do="it was made from other data than the manifest: run `dvc repro`",
        )
