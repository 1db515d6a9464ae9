"""Which class was named for clips of which class."""

from __future__ import annotations

import polars as pl

from stages.compare.inputs import Inputs
from stages.compare.params import ConfusionParams

NO_CLASS = "(none)"


def confusion(inputs: Inputs) -> pl.DataFrame:
    """Return method, protocol, metric, actual, predicted, clips; `predicted` is "(none)" where no class was named.

    Of a method with repeated draws the first is shown.
    """
    keys = ["method", "protocol", "metric", "actual", "predicted"]
    empty = pl.DataFrame(schema=dict.fromkeys(keys, pl.String) | {"clips": pl.get_index_type()})
    found = (_pairs(inputs, *key).group_by(keys).len("clips") for key in named_scores(inputs))
    return pl.concat([empty, *found]).sort(keys)


def headline(inputs: Inputs, chosen: ConfusionParams | None) -> pl.DataFrame:
    """Return actual and predicted class of each clip of one method, as Vega's confusion template counts them."""
    empty = pl.DataFrame(schema={"actual": pl.String, "predicted": pl.String})
    if chosen is None or (chosen.protocol, chosen.metric, chosen.method) not in named_scores(inputs):
        return empty
    pairs = _pairs(inputs, chosen.protocol, chosen.metric, chosen.method)
    return pairs.select(empty.columns).sort(empty.columns)


def named_scores(inputs: Inputs) -> list[tuple[str, str, str]]:
    """Return each (protocol, metric, method) whose metric names a class, and no set of them."""
    named = inputs.scores.filter(pl.col("aggregate") == "macro_f1").select("protocol", "metric", "method")
    named = named.filter(~pl.col("metric").is_in(sorted(inputs.of_sets)))
    return sorted((str(protocol), str(metric), str(method)) for protocol, metric, method in named.rows())


def _pairs(inputs: Inputs, protocol: str, metric: str, method: str) -> pl.DataFrame:
    rows = inputs.verdicts.filter(
        (pl.col("method") == method) & (pl.col("metric") == metric) & pl.col("right").is_not_null()
    )
    rows = inputs.tested(rows, protocol)
    actual = pl.Series("actual", inputs.clips.label[rows["place"].to_numpy()].tolist(), dtype=pl.String)
    return rows.select(
        pl.col("method").cast(pl.String),
        pl.lit(protocol).alias("protocol"),
        pl.col("metric").cast(pl.String),
        actual,
        pl.col("label").cast(pl.String).fill_null(NO_CLASS).alias("predicted"),
    )
