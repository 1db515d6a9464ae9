"""Tables of all methods: one row a method, protocol and metric; per class; spread of draws; nulls that win."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

NUMBERS = ["mca", "mca_low", "mca_high", "macro_f1", "accuracy"]
COLUMNS = ["model", "protocol", "metric", *NUMBERS, "clips", "classes", "subjects"]
#: Numbers of metrics of sets, which have no mca, with their bounds; a run without such a metric has none of these.
SET_NUMBERS = ["macro_f1", "macro_precision", "macro_recall", "macro_ap", "violations", "invented", "outside"]
OF_SETS = [f"{name}{bound}" for name in SET_NUMBERS for bound in ("", "_low", "_high")][1:]
#: Numbers of metrics that read free text, with the bounds of those that have some; a run without any has none of these.
TEXT_NUMBERS = ["mean", "unmapped", "names_unseen"]
OF_TEXT = [*(f"{name}{bound}" for name in TEXT_NUMBERS for bound in ("", "_low", "_high")), "clip_sd"]
KEYS = ["method", "protocol", "metric"]
CLASS = "class:"
#: What is told of each class of a metric of sets.
CLASS_NUMBERS = ["f1", "precision", "recall", "ap"]


def summary(scores: pl.DataFrame) -> pl.DataFrame:
    """Return the table of `COLUMNS` and, where there are such metrics, `OF_SETS` and `OF_TEXT`, from SCORES of all."""
    table = _aggregate(scores, "accuracy").select(*KEYS, pl.col("value").alias("accuracy"), *COLUMNS[-3:])
    for name in ("mca", *SET_NUMBERS, *TEXT_NUMBERS):
        found = _aggregate(scores, name).rename({"value": name, "low": f"{name}_low", "high": f"{name}_high"})
        table = table.join(found.select(*KEYS, name, f"{name}_low", f"{name}_high"), on=KEYS, how="left")
    deviation = _aggregate(scores, "clip_sd").select(*KEYS, pl.col("value").alias("clip_sd"))
    table = table.join(deviation, on=KEYS, how="left")
    # The interval of macro-F1 stands where it is the headline.
    of_sets = pl.col("mca").is_null()
    table = table.with_columns(pl.when(of_sets).then(pl.col(f"macro_f1_{end}")).name.keep() for end in ("low", "high"))
    table = table.sort(KEYS).rename({"method": "model"}).select(*COLUMNS, *OF_SETS, *OF_TEXT)
    return _without_empty(_without_empty(table, OF_SETS), OF_TEXT)


def per_class(scores: pl.DataFrame) -> pl.DataFrame:
    """Return each class's share of right clips, for sets the F1 and others (then `number` says which), with intervals.

    `clips` are the class's.
    """
    prefix, name = pl.col("aggregate").str.split_exact(":", 1).struct.unnest(), ["field_0", "field_1"]
    split = scores.with_columns(prefix).filter(pl.col(name[0]).is_in([CLASS[:-1], *CLASS_NUMBERS]))
    rows = split.with_columns(pl.col(name[1]).alias("class"), number=pl.col(name[0]).replace({CLASS[:-1]: None}))
    table = rows.select(*KEYS, "class", "value", "low", "high", "clips", "subjects", "number")
    return _without_empty(table.sort(*KEYS, "class", "number"), ["number"])


def repeats(scores: pl.DataFrame, verdicts: pl.DataFrame) -> pl.DataFrame:
    """Return mca, its standard deviation between draws and their number, of methods with repeated draws.

    For metrics of sets it is macro-F1, in columns of its own.
    """
    draws = verdicts.group_by("method", "metric").agg(pl.col("repeats").max())
    deviations = scores.filter(pl.col("aggregate").is_in(["mca_sd", "macro_f1_sd"]))
    rows = deviations.select(KEYS).unique().join(draws, on=["method", "metric"])
    for name in ("mca", "macro_f1"):
        spread = _aggregate(scores, f"{name}_sd").select(*KEYS, pl.col("value").alias(f"{name}_sd"))
        value = _aggregate(scores, name).join(spread, on=KEYS, how="semi").select(*KEYS, pl.col("value").alias(name))
        rows = rows.join(value, on=KEYS, how="left").join(spread, on=KEYS, how="left")
    rows = rows.sort(KEYS).rename({"method": "model"})
    sets = ["macro_f1", "macro_f1_sd"]
    return _without_empty(rows.select("model", "protocol", "metric", "mca", "mca_sd", "repeats", *sets), sets)


def null_beats(table: pl.DataFrame, nulls: Sequence[str]) -> pl.DataFrame:
    """Return each model that a null model reaches or beats: model, protocol, metric, mca, null, null_mca.

    On such a metric the model's number says little about recognition. Of a metric of sets macro-F1 is compared, in
    columns of its own.
    """
    is_null, headline = pl.col("model").is_in(list(nulls)), pl.coalesce("mca", "macro_f1")
    keys, of_null = ["protocol", "metric"], {"model": "null", "mca": "null_mca", "macro_f1": "null_macro_f1"}
    single = table.select(*keys, "model", "mca", "macro_f1").with_columns(
        pl.when(pl.col("mca").is_null()).then(pl.col("macro_f1")).alias("macro_f1"), value=headline
    )
    null = single.filter(is_null).rename(of_null | {"value": "null_value"})
    rows = single.filter(~is_null).join(null, on=keys).filter(pl.col("null_value") >= pl.col("value"))
    columns = ["model", "protocol", "metric", "mca", "null", "null_mca", "macro_f1", "null_macro_f1"]
    return _without_empty(rows.select(columns).sort("protocol", "metric", "model", "null"), columns[-2:])


def _without_empty(table: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the table without the columns of `names`, unless one of them has a value."""
    filled = any(table[name].null_count() < len(table) for name in names)
    return table if filled else table.drop(names)


def _aggregate(scores: pl.DataFrame, name: str) -> pl.DataFrame:
    return scores.filter(pl.col("aggregate") == name)
