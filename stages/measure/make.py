"""One method's measures: every metric on all of its answers, and the two tables that hold them."""

from __future__ import annotations

from itertools import islice
from typing import Any, NamedTuple

import polars as pl

from stages.base.errors import InputError
from stages.base.paths import REFERENCES, Run
from stages.base.schema import MEASURES
from stages.base.tables import write_table
from stages.measure.params import MeasureParams
from stages.metrics.context import Context, Row
from stages.metrics.registry import METRICS

_TYPES: list[Any] = [pl.String, pl.Int32, pl.Float64, pl.String, pl.String, *[pl.List(pl.String)] * 2]
_TYPES += [pl.List(pl.Float64)]
#: Rows that are Python objects at once, of a metric that gives them one by one.
_AT_ONCE = 4096


class Result(NamedTuple):
    """What was done for a method, in words; its texts, and how many of them were embedded."""

    words: str
    texts: int
    computed: int


def check(run: Run, params: MeasureParams, truth: object) -> None:
    """Check that there is what the metrics need.

    Raises:
        InputError: a metric of the truth, and no table of rendered clips.
    """
    lacking = [name for name in params.metrics if METRICS[name].needs_truth and truth is None]
    if lacking:
        raise InputError(
            f"metrics of the truth, {', '.join(lacking)}, need the simulator's table of the clips",
            file=f"params/datasets/{run.name}.yaml",
            key="measure.metrics",
            do="take them out, or name the table as `truth` in the data set's record",
        )


def dry(context: Context) -> list[str]:
    """Return what the models of the metrics would be asked, as lines; nothing is asked and written."""
    wanted = [METRICS[name].dry for name in dict.fromkeys(context.params.metrics)]
    said = [line for asks in wanted if asks is not None for line in asks(context)]
    return said or ["no judge: no model is asked"]


def measure(context: Context) -> Result:
    """Write one method's measures and embeddings.

    The reference captions are measured by the metrics of the truth only: against themselves they are always right.
    """
    run, method = context.run, context.method
    schema: dict[str, Any] = dict(zip(Row._fields, _TYPES, strict=True))
    frames = [pl.DataFrame(schema=schema | {"metric": pl.String, "method": pl.String})]
    for name in dict.fromkeys(context.params.metrics):
        if method == REFERENCES and not METRICS[name].of_references:
            continue
        context.metric = name
        rows = iter(METRICS[name].rows(context))
        while listed := list(islice(rows, _AT_ONCE)):
            frame = pl.DataFrame(listed, schema=schema, orient="row")
            frames.append(frame.with_columns(metric=pl.lit(name), method=pl.lit(method)))
    context.metric = None
    measures = pl.concat(frames)
    write_table(run.measures(method) / "measures.parquet", measures, MEASURES)
    context.sentences.write(run.measures(method) / "embeddings.parquet")
    answered = context.answered
    missing = len(answered.filter(pl.col("status") == "missing"))
    null = measures["value"].null_count()
    did = f"{len(answered)} answers, {len(measures)} values; {missing} answers missing, {null} values null"
    return Result(did, len(context.sentences), context.sentences.computed)
