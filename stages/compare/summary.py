"""Tables of all methods: one row a method, protocol and metric; per class; spread of draws; nulls that win."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

NUMBERS = ["mca", "mca_low", "mca_high", "macro_f1", "accuracy"]
COLUMNS = ["model", "protocol", "metric", *NUMBERS, "clips", "classes", "subjects"]
KEYS = ["method", "protocol", "metric"]
CLASS = "class:"


def summary(scores: pl.DataFrame) -> pl.DataFrame:
    """Return the table of `COLUMNS`, from SCORES of all methods."""
    mca = _aggregate(scores, "mca").rename({"value": "mca", "low": "mca_low", "high": "mca_high"})
    for name in ("macro_f1", "accuracy"):
        other = _aggregate(scores, name).select(*KEYS, pl.col("value").alias(name))
        mca = mca.join(other, on=KEYS, how="left")
    return mca.sort(KEYS).rename({"method": "model"}).select(COLUMNS)


def per_class(scores: pl.DataFrame) -> pl.DataFrame:
    """Return each class's share of right clips with its interval."""
    rows = scores.filter(pl.col("aggregate").str.starts_with(CLASS))
    name = pl.col("aggregate").str.strip_prefix(CLASS).alias("class")
    return rows.select(*KEYS, name, "value", "low", "high", "clips", "subjects").sort(*KEYS, "class")


def repeats(scores: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return mca, its standard deviation between draws and their number, of methods with repeated draws."""
    draws = verdicts.group_by("method", "metric").agg(pl.col("repeats").max())
    spread = _aggregate(scores, "mca_sd").select(*KEYS, pl.col("value").alias("mca_sd"))
    mca = _aggregate(scores, "mca").select(*KEYS, pl.col("value").alias("mca"))
    rows = mca.join(spread, on=KEYS).join(draws, on=["method", "metric"]).sort(KEYS)
    return rows.rename({"method": "model"}).select("model", "protocol", "metric", "mca", "mca_sd", "repeats")


def null_beats(table: pl.DataFrame, nulls: Sequence[str]) -> pl.DataFrame:
    """Return each model that a null model reaches or beats: model, protocol, metric, mca, null, null_mca.

    On such a metric the model's number says little about recognition.
    """
    is_null = pl.col("model").is_in(list(nulls))
    null = table.filter(is_null).rename({"model": "null", "mca": "null_mca"})
    null = null.select("protocol", "metric", "null", "null_mca")
    rows = table.filter(~is_null).join(null, on=["protocol", "metric"]).filter(pl.col("null_mca") >= pl.col("mca"))
    columns = ["model", "protocol", "metric", "mca", "null", "null_mca"]
    return rows.select(columns).sort("protocol", "metric", "model", "null")


def _aggregate(scores: pl.DataFrame, name: str) -> pl.DataFrame:
    return scores.filter(pl.col("aggregate") == name)
