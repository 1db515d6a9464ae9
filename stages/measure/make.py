"""One method's measures: every metric on all of its answers, and the two tables that hold them."""

from __future__ import annotations

from typing import Any, NamedTuple

import polars as pl

from stages.base.paths import REFERENCES, Run
from stages.base.schema import MEASURES
from stages.base.tables import write_table
from stages.measure.context import Context, Row
from stages.measure.metrics import METRICS
from stages.measure.params import MeasureParams
from stages.measure.truth import AGAINST

_TYPES: list[Any] = [pl.String, pl.Int32, pl.Float64, pl.String, pl.String, *[pl.List(pl.String)] * 2]
_TYPES += [pl.List(pl.Float64)]


class Did(NamedTuple):
    """What was done for a method, in words; its texts, and how many of them were embedded."""

    words: str
    texts: int
    computed: int


def measure(run: Run, method: str, params: MeasureParams) -> Did:
    """Write one method's measures and embeddings."""
    # References are measured against the truth only; a run without a truth then has a table without rows.
    schema: dict[str, Any] = dict(zip(Row._fields, _TYPES, strict=True))
    frames = [pl.DataFrame(schema=schema | {"metric": pl.String, "method": pl.String})]
    with Context(run, method, params) as context:
        for name in dict.fromkeys(params.metrics):
            if method == REFERENCES and name not in AGAINST:
                continue
            context.metric = name
            rows = list(METRICS[name](context))
            frame = pl.DataFrame(rows, schema=schema, orient="row")
            frames.append(frame.with_columns(metric=pl.lit(name), method=pl.lit(method)))
        context.metric = None
        measures = pl.concat(frames)
        write_table(run.measures(method) / "measures.parquet", measures, MEASURES)
        context.sentences.write(run.measures(method) / "embeddings.parquet")
    missing = sum(answer.status == "missing" for answer in context.answers)
    null = measures["value"].null_count()
    did = f"{len(context.answers)} answers, {len(measures)} values; {missing} answers missing, {null} values null"
    return Did(did, len(context.sentences), context.sentences.computed)
