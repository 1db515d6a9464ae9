"""Test clips that a number leaves out, and why."""

from __future__ import annotations

import polars as pl

from stages.compare.inputs import Inputs
from stages.stats.clips import NOT_MEASURED

EXAMPLES = 3


def left_out(inputs: Inputs) -> pl.DataFrame:
    """Return model, protocol, metric, reason, clips, examples.

    A protocol on which a metric was not measured at all has neither scores nor rows here; one on which every answer
    failed has rows here and no scores.
    """
    scored = set(inputs.scored())
    tables = [
        pl.DataFrame(
            schema=dict.fromkeys(("model", "protocol", "metric", "reason"), pl.String)
            | {"clips": pl.UInt32, "examples": pl.String}
        )
    ]
    without = _named(inputs.verdicts.filter(pl.col("left_out").is_not_null()), inputs)
    for protocol in sorted(inputs.clips.protocols):
        asked = inputs.tested(inputs.verdicts.select("metric", "method", "place"), protocol)
        count = {(metric, method): rows for metric, method, rows in asked.group_by("metric", "method").len().rows()}
        for (metric, method), omitted in inputs.tested(without, protocol).group_by("metric", "method"):
            usable = pl.Series(inputs.whole(str(metric))[omitted["place"].to_numpy()], dtype=pl.Boolean)
            failed = omitted.filter(usable & (omitted["left_out"] != NOT_MEASURED))
            if (protocol, metric, method) in scored or (len(failed) and len(omitted) == count[metric, method]):
                tables.append(_reasons(omitted, protocol))
    return pl.concat(tables).sort("model", "protocol", "metric", "reason")


def _named(rows: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
    """Return verdicts with the clip's id, and texts as texts."""
    texts = pl.col("method", "metric", "left_out").cast(pl.String)
    return rows.with_columns(texts, inputs.clips.column.gather(rows["place"]))


def _reasons(rows: pl.DataFrame, protocol: str) -> pl.DataFrame:
    grouped = rows.sort("clip_id").group_by("method", "metric", "left_out", maintain_order=True)
    return grouped.agg(
        pl.len().alias("clips"), pl.col("clip_id").head(EXAMPLES).str.join(" ").alias("examples")
    ).select(
        pl.col("method").alias("model"),
        pl.lit(protocol).alias("protocol"),
        "metric",
        pl.col("left_out").alias("reason"),
        "clips",
        "examples",
    )
