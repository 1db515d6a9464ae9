"""Tables of all methods: one row a method, protocol and metric; per class; spread of draws; nulls that win."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from stages.metrics.registry import METRICS, headline

NUMBERS = ["mca", "mca_low", "mca_high", "macro_f1", "accuracy"]
COLUMNS = ["model", "protocol", "metric", *NUMBERS, "clips", "classes", "subjects"]
#: Numbers of metrics of sets, which have no mca, with their bounds; a run without such a metric has none of these.
SET_NUMBERS = ["macro_f1", "macro_precision", "macro_recall", "macro_ap", "violations", "invented", "outside"]
OF_SETS = [f"{name}{bound}" for name in SET_NUMBERS for bound in ("", "_low", "_high")][1:]
#: Bounds of accuracy, where it is a metric's headline; a run without such a metric has none of these.
OF_SHARES = ["accuracy_low", "accuracy_high"]
#: Numbers of metrics that read free text, with the bounds of those that have some; a run without any has none of these.
TEXT_NUMBERS = ["mean", "unmapped", "names_unseen"]
OF_TEXT = [*(f"{name}{bound}" for name in TEXT_NUMBERS for bound in ("", "_low", "_high")), "clip_sd"]
#: Whether a row's metric has accuracy as its headline.
_BY_SHARE = pl.col("metric").is_in([name for name in METRICS if headline(name, False) == "accuracy"])
KEYS = ["method", "protocol", "metric"]
CLASS = "class:"
#: What is told of each class of a metric of sets.
CLASS_NUMBERS = ["f1", "precision", "recall", "ap"]


def summary(scores: pl.DataFrame) -> pl.DataFrame:
    """Return the table of `COLUMNS` and, where there are such metrics, `OF_SETS`, `OF_SHARES` and `OF_TEXT`."""
    shares = _aggregate(scores, "accuracy").rename({"value": "accuracy", "low": OF_SHARES[0], "high": OF_SHARES[1]})
    shares = shares.with_columns(pl.when(_BY_SHARE).then(pl.col(bound)).alias(bound) for bound in OF_SHARES)
    table = shares.select(*KEYS, "accuracy", *OF_SHARES, *COLUMNS[-3:])
    for name in ("mca", *SET_NUMBERS, *TEXT_NUMBERS):
        found = _aggregate(scores, name).rename({"value": name, "low": f"{name}_low", "high": f"{name}_high"})
        table = table.join(found.select(*KEYS, name, f"{name}_low", f"{name}_high"), on=KEYS, how="left")
    deviation = _aggregate(scores, "clip_sd").select(*KEYS, pl.col("value").alias("clip_sd"))
    table = table.join(deviation, on=KEYS, how="left")
    # The interval of macro-F1 stands where it is the headline.
    of_sets = pl.col("mca").is_null()
    table = table.with_columns(pl.when(of_sets).then(pl.col(f"macro_f1_{end}")).name.keep() for end in ("low", "high"))
    table = table.sort(KEYS).rename({"method": "model"}).select(*COLUMNS, *OF_SETS, *OF_SHARES, *OF_TEXT)
    for names in (OF_SETS, OF_SHARES, OF_TEXT):
        table = _without_empty(table, names)
    return table


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
    draws = draws.with_columns(pl.col("method", "metric").cast(pl.String))
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
    """Return each model that a null model reaches or beats by a metric's headline: model, protocol, metric, mca, null,
    null_mca.

    On such a metric the model's number says little about recognition. Macro-F1 of metrics of sets, and accuracy where
    it is the headline, are in columns of their own.
    """
    keys, numbers = ["protocol", "metric"], ["mca", "macro_f1", "accuracy"]
    by_class = ~_BY_SHARE & pl.col("mca").is_not_null()
    single = table.select(
        *keys,
        "model",
        pl.when(by_class).then(pl.col("mca")).alias("mca"),
        pl.when(~_BY_SHARE & ~by_class).then(pl.col("macro_f1")).alias("macro_f1"),
        pl.when(_BY_SHARE).then(pl.col("accuracy")).alias("accuracy"),
    ).with_columns(value=pl.coalesce(numbers))
    is_null = pl.col("model").is_in(list(nulls))
    null = single.filter(is_null).rename({"model": "null", **{name: f"null_{name}" for name in [*numbers, "value"]}})
    rows = single.filter(~is_null).join(null, on=keys).filter(pl.col("null_value") >= pl.col("value"))
    rows = rows.sort("protocol", "metric", "model", "null").select(
        "model",
        "protocol",
        "metric",
        "mca",
        "null",
        "null_mca",
        *(f"{side}{name}" for name in numbers[1:] for side in ("", "null_")),
    )
    for name in numbers[1:]:
        rows = _without_empty(rows, [name, f"null_{name}"])
    return rows


def _without_empty(table: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the table without the columns of `names`, unless one of them has a value."""
    filled = any(table[name].null_count() < len(table) for name in names)
    return table if filled else table.drop(names)


def _aggregate(scores: pl.DataFrame, name: str) -> pl.DataFrame:
    return scores.filter(pl.col("aggregate") == name)
