"""Measure one method's answers, clip by clip, before any threshold: `python -m stages.measure home embedded_describe`.

Reads manifest, splits, keywords, reference captions and the method's predictions; writes
data/<run>/measures/<method>/measures.parquet (table MEASURES: a row a clip, repeat and metric) and, beside it,
embeddings.parquet (table EMBEDDINGS: the texts that it embedded, from which a clone without a journal starts).
"""

from __future__ import annotations

import argparse
from typing import Any

import polars as pl

from stages.base.errors import guard
from stages.base.params import read
from stages.base.paths import Run
from stages.base.progress import closing
from stages.base.schema import MEASURES
from stages.base.tables import write_table
from stages.measure.context import Context, Row
from stages.measure.metrics import METRICS, dry
from stages.measure.params import PARAMS, MeasureParams
from stages.measure.truth import AGAINST, REFERENCES


def main() -> None:
    """Measure the method that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="a block under `measure` in params.yaml")
    parser.add_argument("method", help="a file under data/<dataset>/predictions")
    parser.add_argument("--dry", action="store_true", help="ask nothing, write nothing: say what would be asked")
    cell = parser.parse_args()
    params: MeasureParams = read(PARAMS, dataset=cell.dataset)["measure.{dataset}"]
    run, names, scores = Run(cell.dataset), pl.List(pl.String), pl.List(pl.Float64)
    types: list[Any] = [pl.String, pl.Int32, pl.Float64, pl.String, pl.String, names, names, scores]
    with Context(run, cell.method, params) as context:
        if cell.dry:
            print("\n  ".join([f"measure {cell.dataset} {cell.method}, dry", *dry(context)]))
            return
        # References are measured against the truth only; a run without a truth then has a table without rows.
        schema: dict[str, Any] = dict(zip(Row._fields, types, strict=True))
        frames = [pl.DataFrame(schema=schema | {"metric": pl.String, "method": pl.String})]
        for name in dict.fromkeys(params.metrics):
            if cell.method == REFERENCES and name not in AGAINST:
                continue
            context.metric = name
            rows = list(METRICS[name](context))
            frame = pl.DataFrame(rows, schema=schema, orient="row")
            frames.append(frame.with_columns(metric=pl.lit(name), method=pl.lit(cell.method)))
        context.metric = None
        measures = pl.concat(frames)
        write_table(run.measures(cell.method) / "measures.parquet", measures, MEASURES)
        context.sentences.write(run.measures(cell.method) / "embeddings.parquet")
    answers = context.answers
    missing = sum(answer.status == "missing" for answer in answers)
    null = measures["value"].null_count()
    did = f"{len(answers)} answers, {len(measures)} values; {missing} answers missing, {null} values null"
    texts, computed = len(context.sentences), context.sentences.computed
    closing(f"measure {cell.dataset} {cell.method}", f"{did}; {computed} of {texts} texts embedded", texts - computed)


if __name__ == "__main__":
    guard(main)
