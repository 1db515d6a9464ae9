"""From measured values to verdicts: whether an answer is right, by one metric.

A metric with a threshold calls an answer right where its value is better than it; a metric without one names a class.
A value that is null is no verdict: an unparsed judgement is left out and counted, never taken for a No.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from stages.base.errors import InputError
from stages.metrics.registry import METRICS, sign
from stages.stats.clips import NOT_MEASURED, Clips, Objects
from stages.stats.design import Floats, Ints


@dataclass(frozen=True)
class Answers:
    """One metric's verdicts on R draws of an answer for M clips."""

    metric: str
    right: Floats
    """(R, M): 1 or 0, nan where there is no verdict."""
    named: Objects | None
    """(R, M): the class that was named, None where none was; None for a metric that names no class."""
    value: Floats
    """(R, M): the metric's own value, nan where it has none or the clip cannot be scored."""
    left_out: Objects
    """(M,): why a clip has no verdict in any draw, else None."""

    def at(self, places: Ints) -> Answers:
        """Return the answers for the clips at some places."""
        named = None if self.named is None else self.named[:, places]
        return Answers(self.metric, self.right[:, places], named, self.value[:, places], self.left_out[places])

    @property
    def fraction(self) -> Floats:
        """(M,): share of a clip's draws that are right; nan where it is left out."""
        known = ~np.isnan(self.right)
        total = np.where(known, self.right, 0.0).sum(0)
        share: Floats = np.divide(total, known.sum(0), out=np.full(total.shape, np.nan), where=known.any(0))
        return share


def read_answers(
    measures: pl.DataFrame, clips: Clips, thresholds: Mapping[str, float], file: Path, params: str
) -> Iterator[Answers]:
    """Yield the verdicts of each metric, by name; `thresholds` come before a metric's own.

    Raises:
        InputError: a value is no number, or a metric has neither a threshold nor a named class, or both.
    """
    _check_numbers(measures, file)
    for name in sorted(measures["metric"].unique().to_list()):
        # One metric at a time: the rows of all are as much again.
        rows = clips.placed(measures.filter(pl.col("metric") == name))
        if rows.is_empty():
            continue
        of_metric = rows.sort("repeat", "place")
        known = METRICS.get(name)
        threshold = thresholds.get(name, known.threshold if known else None)
        names_class = threshold is None
        if known is not None and known.names is not None and name in thresholds:
            raise InputError(
                f"metric {name} names a {known.names}, and so has no threshold",
                file=params,
                key=f"score.thresholds.{name}",
                do="take it out",
            )
        # A metric that names classes says 0 where it names none: a model may name none in all of its answers.
        if names_class and of_metric["label"].null_count() == len(of_metric) and (of_metric["value"] != 0).any():
            raise InputError(
                f"metric {name} names no class and has no threshold",
                file=params,
                key=f"score.thresholds.{name}",
                do="give the value above which its answers are right",
            )
        yield _answers(name, of_metric, clips, threshold)


def _answers(metric: str, rows: pl.DataFrame, clips: Clips, threshold: float | None) -> Answers:
    draw = np.unique(rows["repeat"].to_numpy(), return_inverse=True)[1]
    at = (draw, rows["place"].to_numpy())
    shape = (int(draw.max(initial=0)) + 1, len(clips.ids))
    right, named = np.full(shape, np.nan), None
    value = rows["value"].to_numpy()  # null becomes nan
    if threshold is not None:
        verdict = sign(metric) * value > sign(metric) * threshold
    else:
        labels = np.array(rows["label"].to_list(), dtype=object)
        verdict = labels == clips.label[at[1]]
        labels[np.isnan(value)] = None
        named = np.full(shape, None, dtype=object)
        named[at] = labels
    right[at] = np.where(np.isnan(value), np.nan, verdict)
    right[:, ~clips.usable] = np.nan
    values = np.full(shape, np.nan)
    values[at] = value
    values[:, ~clips.usable] = np.nan
    left_out = np.full(shape[1], NOT_MEASURED, dtype=object)
    void = rows.filter(pl.col("value").is_null()).unique("place", keep="first", maintain_order=True)
    left_out[void["place"].to_numpy()] = void["detail"].fill_null("the metric has no value").to_list()
    left_out = np.where(clips.usable, left_out, clips.unusable)
    left_out[~np.isnan(right).all(0)] = None
    return Answers(metric, right, named, values, left_out)


def _check_numbers(measures: pl.DataFrame, file: Path) -> None:
    bad = measures.filter(pl.col("value").is_nan() | pl.col("value").is_infinite())
    if len(bad):
        row = bad.row(0, named=True)
        raise InputError(
            f"value is {row['value']} in {len(bad)} rows, expected a number or null",
            file=file,
            row=row["clip_id"],
            key=row["metric"],
            do="a metric that has no value writes null and says why in `detail`",
        )
