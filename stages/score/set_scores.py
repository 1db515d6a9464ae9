"""From measured answers to the sets of classes that they name, whether each is right, and how it scores the classes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from stages.base.errors import InputError
from stages.base.schema import UNLISTED
from stages.stats.clips import NOT_MEASURED, Clips, Objects
from stages.stats.design import Floats, Mask
from stages.stats.label_sets import matrix


@dataclass(frozen=True)
class Sets:
    """One method's R draws of an answer for M clips, over C classes."""

    classes: list[str]
    named: Mask
    """(R, M, C): the classes that each answer names."""
    scores: Floats
    """(R, M, C): how an answer scores the classes, minus infinity where it does not; nan where there is no answer."""
    known: Mask
    """(R, M): whether there is an answer that can be scored."""
    said: Mask
    """(R, M): whether it could be read; one that could not names no class and is not right."""
    left_out: Objects
    """(M,): why a clip has no answer in any draw, else None."""
    outside: Mask
    """(R, M): whether an answer names something that is no class of the list."""

    @property
    def scored(self) -> Mask:
        """(R, M): whether an answer scores any class."""
        return np.asarray(np.isfinite(self.scores).any(-1))

    def over(self, thresholds: Mapping[str, float]) -> Sets:
        """Return the same answers naming the classes whose score exceeds the class's threshold."""
        limits = np.array([thresholds[name] for name in self.classes])
        with np.errstate(invalid="ignore"):
            named = self.scores > limits
        return Sets(self.classes, named, self.scores, self.known, self.scored & self.known, self.left_out, self.outside)

    def right(self, actual: Mask) -> Floats:
        """Return (R, M): 1 where the set is exactly the clip's, else 0; nan where there is no answer."""
        same = (self.named == actual).all(-1) & self.said
        return np.where(self.known, same, np.nan)


def read_sets(measures: pl.DataFrame, clips: Clips, classes: Sequence[str], file: Path) -> Sets:
    """Return the sets that a method's measures by a metric of sets name for the clips to score.

    Raises:
        InputError: an answer names or scores a class that the data set lacks, or a score is no number.
    """
    rows = place(measures, clips.ids)
    draws = np.unique(rows["repeat"].to_numpy(), return_inverse=True)[1]
    at = (draws, rows["place"].to_numpy())
    shape = (int(draws.max(initial=0)) + 1, len(clips.ids))
    known, said = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    named, scores = np.zeros((*shape, len(classes)), np.bool_), np.full((*shape, len(classes)), np.nan)
    answered = rows["labels"].is_not_null().to_numpy()
    outside = np.zeros(shape, np.bool_)
    outside[at] = rows["detail"].str.contains(UNLISTED, literal=True).fill_null(False).to_numpy()
    known[at], said[at] = answered, answered & (rows["value"].fill_null(0) > 0).to_numpy()
    check_classes(rows, classes, file)
    named[at] = matrix(rows["labels"].to_list(), classes)
    scores[at] = score_matrix(rows, classes, file)
    scores[~known] = np.nan
    left_out = np.full(shape[1], NOT_MEASURED, dtype=object)
    void = rows.filter(pl.col("labels").is_null()).unique("place", keep="first", maintain_order=True)
    left_out[void["place"].to_numpy()] = void["detail"].fill_null("the method names no set").to_list()
    whole = np.array([why is None for why in clips.broken], dtype=np.bool_)
    left_out = np.where(whole, left_out, clips.broken)
    known &= whole
    left_out[known.any(0)] = None
    return Sets(list(classes), named, scores, known, said & known, left_out, outside)


def place(measures: pl.DataFrame, ids: Objects) -> pl.DataFrame:
    """Return the measures of some clips, by repeat and clip, with the `place` of each clip among the ids."""
    places = pl.DataFrame(
        {"clip_id": ids.tolist(), "place": np.arange(len(ids))}, schema={"clip_id": pl.String, "place": pl.Int64}
    )
    return measures.join(places, on="clip_id").sort("repeat", "place")


def check_classes(rows: pl.DataFrame, classes: Sequence[str], file: Path) -> None:
    """Raise an InputError where an answer names or scores a class that the data set lacks."""
    for column in ("labels", "classes"):
        named = rows.select("clip_id", pl.col(column)).explode(column).drop_nulls(column)
        strange = named.filter(~pl.col(column).is_in(list(classes)))
        if len(strange):
            row = strange.row(0, named=True)
            raise InputError(
                f"no class of the data set: {row[column]}",
                file=file,
                row=row["clip_id"],
                key=column,
                do="predictions and manifest are of different runs: run `dvc repro`",
            )


def score_matrix(rows: pl.DataFrame, classes: Sequence[str], file: Path) -> Floats:
    """Return how each row scores the classes, (rows, C); minus infinity for a class that it does not score."""
    column = {name: index for index, name in enumerate(classes)}
    scores = np.full((len(rows), len(classes)), -np.inf)
    for index, (clip, names, values) in enumerate(rows.select("clip_id", "classes", "class_scores").iter_rows()):
        for name, value in _paired(clip, names, values, file):
            scores[index, column[name]] = value
    return scores


def _paired(clip: str, names: list[str] | None, values: list[Any] | None, file: Path) -> Iterator[tuple[str, float]]:
    if len(names or ()) != len(values or ()):
        raise InputError(
            f"{len(names or ())} classes and {len(values or ())} scores",
            file=file,
            row=clip,
            key="class_scores",
            do="write one score for each class",
        )
    for name, value in zip(names or (), values or (), strict=True):
        if value is not None and not np.isfinite(value):
            raise InputError(
                f"the score of {name} is {value}, expected a number",
                file=file,
                row=clip,
                key="class_scores",
                do="a model that diverged: lower its learning rate",
            )
        if value is not None:
            yield name, float(value)


def set_rows(method: str, metric: str, clips: Clips, sets: Sets) -> pl.DataFrame:
    """Return a row of VERDICTS for each test clip."""
    right = sets.right(matrix(clips.labels.tolist(), sets.classes))
    draws = sets.known.sum(0)
    share = np.divide(np.nansum(right, 0), draws, out=np.full(len(draws), np.nan), where=draws > 0)
    named = [
        [[sets.classes[c] for c in np.flatnonzero(draw)] for draw in sets.named[sets.known[:, m], m]] or None
        for m in range(len(clips.ids))
    ]
    return pl.DataFrame(
        {
            "clip_id": clips.column,
            "method": method,
            "metric": metric,
            "right": pl.Series(share, nan_to_null=True),
            "label": pl.Series([None] * len(clips.ids), dtype=pl.String),
            "labels": pl.Series(named, dtype=pl.List(pl.List(pl.String))),
            "repeats": pl.Series(draws, dtype=pl.Int32),
            "left_out": pl.Series(sets.left_out.tolist(), dtype=pl.String),
        }
    )
