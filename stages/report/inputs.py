"""All tables that a page shows, read and checked once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from stages.base import schema
from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.spreadsheet import as_written
from stages.base.tables import read_json, read_table
from stages.labels.classes import ClassList, read_classes
from stages.methods.records import read_methods


@dataclass(frozen=True)
class Inputs:
    """One run's tables, sorted as their schemas say; an optional one is None where no stage wrote it."""

    run: Run
    titles: dict[str, str]
    """Method -> how it is called on the page."""
    methods: tuple[str, ...]
    nulls: tuple[str, ...]
    classes: ClassList
    manifest: pl.DataFrame
    splits: pl.DataFrame
    captions: pl.DataFrame | None
    predictions: dict[str, pl.DataFrame]
    measures: dict[str, pl.DataFrame]
    verdicts: dict[str, pl.DataFrame]
    summary: pl.DataFrame
    differences: pl.DataFrame
    per_class: pl.DataFrame
    confusion: pl.DataFrame
    sweep: pl.DataFrame
    validity: pl.DataFrame
    left_out: pl.DataFrame
    repeats: pl.DataFrame
    seeds: pl.DataFrame
    audit: list[dict[str, Any]]
    errors: dict[str, int]
    """What was asked for -> how many answers ended in an error, which the next run asks again; no noughts."""

    @property
    def everyone(self) -> tuple[str, ...]:
        """Methods, then null models."""
        return self.methods + self.nulls

    @property
    def of_sets(self) -> bool:
        """Whether answers are sets of classes: a clip may have several labels, or none."""
        return self.classes.many

    def scored(self, method: str) -> bool:
        """Return whether any answer of a method could be scored."""
        return bool(self.verdicts[method]["right"].is_not_null().any())

    def unscored(self, method: str) -> str | None:
        """Return why a method has no number at all; None where it has one.

        It says how its answers ended, the commonest end first, with one of the reasons that were given.
        """
        if self.scored(method):
            return None
        ended = self.predictions[method].filter(pl.col("status") != "ok")
        counts = (
            ended.group_by("status")
            .agg(pl.len(), pl.col("detail").drop_nulls().min())
            .sort("len", "status", descending=[True, False])
        )
        parts = [f"{count} {status}" + (f" ({why})" if why else "") for status, count, why in counts.iter_rows()]
        asked = len(self.predictions[method])
        if not parts:
            return "no answer" if not asked else f"none of its {asked} answers is one that a metric of this run scores"
        return f"no answer could be scored: of {asked}, {', '.join(parts)}"

    @property
    def clusters(self) -> str:
        """What the intervals' clusters are: recordings where clips are windows of them, else subjects."""
        return "recordings" if self.manifest["start"].is_not_null().any() else "subjects"


def load(run: Run, seeds: Path | None) -> Inputs:
    """Read a run's tables, and what other seeds gave from their folder.

    Raises:
        InputError: a table is missing or has other columns, or names other methods than those that were measured.
    """
    measured = read_methods(run)
    nulls = [one.name for one in measured if one.kind == "null"]
    methods = [one.name for one in measured if one.kind != "null"]
    everyone = [*methods, *nulls]
    inputs = Inputs(
        run=run,
        titles={one.name: one.title for one in measured},
        methods=tuple(methods),
        nulls=tuple(nulls),
        classes=read_classes(run),
        manifest=read_table(run.manifest, schema.MANIFEST),
        splits=read_table(run.splits, schema.SPLITS),
        captions=read_table(run.captions, schema.CAPTIONS) if run.captions.exists() else None,
        predictions={name: _of(run.predictions(name), schema.PREDICTIONS, name) for name in everyone},
        verdicts={name: _of(run.verdicts(name), schema.VERDICTS, name) for name in everyone},
        measures={name: _of(run.measures(name) / "measures.parquet", schema.MEASURES, name) for name in everyone},
        summary=read_csv(run.metrics / "summary.csv", SUMMARY).rename({"model": "method"}),
        differences=read_csv(run.metrics / "differences.csv", DIFFERENCES),
        per_class=read_csv(run.data / "per_class.csv", PER_CLASS),
        confusion=read_csv(run.data / "confusion.csv", CONFUSION),
        sweep=read_csv(run.data / "sweep.csv", SWEEP),
        validity=read_csv(run.data / "validity.csv", VALIDITY),
        left_out=read_csv(run.metrics / "left_out.csv", LEFT_OUT),
        repeats=read_csv(run.metrics / "repeats.csv", REPEATS),
        seeds=_seeds(seeds),
        audit=read_json(run.metrics / "audit.json"),
        errors=_errors(run, {one.name: one.title for one in measured}),
    )
    _check_methods(inputs)
    return inputs


#: Columns that the page reads of each CSV table.
SUMMARY = [
    "model",
    "protocol",
    "metric",
    "mca",
    "mca_low",
    "mca_high",
    "macro_f1",
    "accuracy",
    "clips",
    "classes",
    "subjects",
]
DIFFERENCES = ["protocol", "metric", "model", "other", "difference", "low", "high", "p", "p_holm"]
PER_CLASS = ["method", "protocol", "metric", "class", "value", "low", "high", "clips"]
CONFUSION = ["method", "protocol", "metric", "actual", "predicted", "clips"]
SWEEP = ["method", "protocol", "metric", "threshold", "mca"]
VALIDITY = ["method", "protocol", "metric", "auc"]
LEFT_OUT = ["model", "protocol", "metric", "reason", "clips", "examples"]
SEEDS = ["method", "protocol", "metric", "aggregate", "base_seed", "seed", "value"]
REPEATS = ["model", "protocol", "metric", "mca_sd", "repeats"]


def read_csv(path: Path, columns: list[str]) -> pl.DataFrame:
    """Return a CSV table that has at least these columns.

    Raises:
        InputError: it is missing, is no table or lacks a column.
    """
    if not path.exists():
        raise InputError("no such file", file=path, do="run `dvc repro`, or `dvc pull` to fetch it")
    try:
        frame = as_written(pl.read_csv(path, infer_schema_length=None))
    except pl.exceptions.PolarsError as error:
        raise InputError(f"not a CSV table ({error})", file=path, do="remove it and run `dvc repro`") from None
    lacking = [name for name in columns if name not in frame.columns]
    if lacking:
        raise InputError(
            f"columns {lacking} are missing", file=path, do="it was written by another version: run `dvc repro`"
        )
    return frame


def _seeds(folder: Path | None) -> pl.DataFrame:
    """Return what other seeds gave; no rows of a run that has no such table."""
    kinds = dict.fromkeys(SEEDS[:4], pl.String) | dict.fromkeys(SEEDS[4:6], pl.Int64) | {"value": pl.Float64}
    frame = read_csv(folder / "seeds.csv", SEEDS) if folder else pl.DataFrame(schema=SEEDS)
    return frame.select(pl.col(name).cast(kind) for name, kind in kinds.items())


def _errors(run: Run, titles: Mapping[str, str]) -> dict[str, int]:
    """Return the counts of errors that the cells left, in words and without noughts; none of a run without DVC."""
    known = read_json(run.errors) if run.errors.exists() else {}
    counts = {"reference captions": known.get("caption", 0)}
    counts |= {f"answers of {titles.get(name, name)}": count for name, count in known.get("infer", {}).items()}
    counts["judgements"] = known.get("measure", 0)
    return {what: count for what, count in counts.items() if count}


def _of(path: Path, kind: pa.Schema, method: str) -> pl.DataFrame:
    frame = read_table(path, kind)
    others = sorted(set(frame["method"].unique().to_list()) - {method})
    if others:
        raise InputError(f"holds rows of {others}, expected {method}", file=path, do="run `dvc repro`")
    return frame


def _check_methods(inputs: Inputs) -> None:
    shown = set(inputs.summary["method"].unique().to_list())
    missing = [name for name in inputs.everyone if name not in shown and inputs.scored(name)]
    if missing:
        raise InputError(
            f"no numbers for {missing}",
            file=inputs.run.metrics / "summary.csv",
            do="run `dvc repro`",
        )
    strangers = sorted(shown - set(inputs.everyone))
    if strangers:
        raise InputError(
            f"methods {strangers} are in the table but were not measured",
            file=inputs.run.metrics / "summary.csv",
            do="run `dvc repro`, which drops a removed method",
        )
