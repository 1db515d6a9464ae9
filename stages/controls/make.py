"""All controls on all methods."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST
from stages.base.tables import read_table
from stages.controls.control_rows import Answer, row
from stages.controls.frozen import Frozen
from stages.controls.params import AskedParams, ControlsParams
from stages.controls.questions import Method, Question, questions
from stages.controls.trained import Trained
from stages.learn.data import read_task
from stages.stats.intervals import Level


def make(run: Run, params: ControlsParams, trained: Mapping[str, AskedParams], level: Level) -> list[dict[str, Any]]:
    """Return the rows of controls.csv: of each method, first the clips as they are.

    Raises:
        InputError: clips have several labels, a model or the truth is missing, or a pair is none of its classes.
    """
    return [row for method in _methods(run, params, trained) for row in _of_method(run, method, params, level)]


def _methods(run: Run, params: ControlsParams, trained: Mapping[str, AskedParams]) -> Iterator[Method]:
    for name, block in params.frozen.items():
        yield Frozen(run, name, block, params.seed)
    for name, recipe in trained.items():
        yield Trained(run, name, recipe, params.seed)


def _of_method(run: Run, method: Method, params: ControlsParams, level: Level) -> Iterator[dict[str, Any]]:
    task = read_task(run, method.protocol)
    if task.many:
        raise InputError(
            "clips have several labels or none",
            file=run.classes,
            key="labels",
            do="controls are for data sets of one label a clip",
        )
    unknown = sorted({name for pair in params.pairs for name in pair} - set(task.classes))
    if unknown:
        raise InputError(
            f"no such class: {', '.join(unknown)}",
            file=f"params/datasets/{run.name}.yaml",
            key="controls.pairs",
            do=f"name some of {', '.join(task.classes)}",
        )
    subjects = _subjects(run)
    asked = questions(params, task.classes, method.passed)
    found: dict[Question, list[Answer]] = defaultdict(list)
    for fold in task.folds:
        for question, clip, name in method.named(task, fold, asked):
            found[question].append(Answer(name, clip.labels[0], subjects[clip.clip_id]))
    for question in asked:
        classes = "all" if list(question.among) == task.classes else " or ".join(question.among)
        measured = row(found[question], len(question.among), level)
        yield {"method": method.name, "control": question.control, "classes": classes, **measured}


def _subjects(run: Run) -> dict[str, str]:
    """Return each clip's cluster, as the scores take it."""
    manifest = read_table(run.manifest, MANIFEST)
    rows = manifest.select("clip_id", pl.coalesce("subject", "group", "clip_id").alias("cluster"))
    return dict(rows.iter_rows())
