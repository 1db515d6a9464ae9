"""The clips of all test parts: their class, their subject and why some cannot be scored."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    return np.array(column.to_list(), dtype=object)


def _tuples(column: pl.Series) -> Objects:
    found = np.empty(len(column), dtype=object)
    for place, labels in enumerate(column.to_list()):  # at once, numpy would make a matrix of sets of one size
        found[place] = tuple(labels)
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
