"""One method's measures: every metric on all of its answers, and the two tables that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from stages.base.errors import InputError
from stages.base.paths import REFERENCES, Run
from stages.base.schema import MEASURES
from stages.base.tables import table_of, write_table
from stages.measure.params import MeasureParams
from stages.metrics.context import Context
from stages.metrics.registry import METRICS


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
    folder = context.run.measures(context.method)
    measures = table_of(folder / "measures.parquet", _rows(context), MEASURES)
    write_table(folder / "measures.parquet", measures, MEASURES)
    context.sentences.write(folder / "embeddings.parquet")
    answered = context.answered
    missing = len(answered.filter(pl.col("status") == "missing"))
    null = measures["value"].null_count()
    did = f"{len(answered)} answers, {len(measures)} values; {missing} answers missing, {null} values null"
    return Result(did, len(context.sentences), context.sentences.computed)


def _rows(context: Context) -> Iterator[dict[str, Any]]:
    """Yield the rows of MEASURES, metric by metric."""
    for name in dict.fromkeys(context.params.metrics):
        if context.method == REFERENCES and not METRICS[name].of_references:
            continue
        context.metric = name
        for row in METRICS[name].rows(context):
            yield {"method": context.method, "metric": name, **row._asdict()}
    context.metric = None
