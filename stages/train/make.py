"""A method from end to end: each fold trained, saved and asked about its test clips."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from accelerate import Accelerator

from stages.base.errors import InputError
from stages.base.params import compute
from stages.base.paths import Run
from stages.base.progress import Progress
from stages.base.schema import PREDICTIONS
from stages.base.tables import write_table, write_text
from stages.learn.checkpoint import run_key, weights_hash
from stages.learn.curves import Curves
from stages.learn.data import Clip, Fold, Task, read_task, targets, warnings
from stages.learn.device import start
from stages.learn.frames import Store
from stages.learn.loop import Fitted, fit
from stages.learn.rows import prediction_rows
from stages.learn.source import Clips
from stages.nets.asked import class_scores, shape
from stages.nets.models import Built, build, save
from stages.nets.trained import TrainParams, curves, models
from stages.train.card import card
from stages.weights.halved import round_to_half

#: Raise it when the same params and clips give other weights.
VERSION = 2


class Result(NamedTuple):
    """What the closing line says."""

    words: str
    cached: int
    """Steps that came from a checkpoint."""


class Cell(NamedTuple):
    """What all folds of a method share."""

    run: Run
    method: str
    params: TrainParams
    task: Task
    store: Store
    accelerator: Accelerator


def make(dataset: str, method: str, params: TrainParams) -> Result:
    """Train a method on a data set and write predictions, weights and curves.

    Raises:
        InputError: a clip cannot be decoded, the weights do not fit, or the loss is no number.
    """
    if "test" not in params.parts:
        raise InputError("the test part is not predicted", file="params/recipes", key=f"{method}: parts", do="add test")
    accelerator = start(params.recipe)
    run = Run(dataset)
    task = read_task(run, params.protocol)
    if len(task.folds) > 1 and params.parts != ["test"]:
        raise InputError(
            "a clip that one fold validates on is tested by another",
            file="params/recipes",
            key=f"{method}: parts",
            do="say parts: [test]",
        )
    cell = Cell(run, method, params, task, Store(params.pixels), accelerator)
    _keep(cell)
    rows: list[dict[str, Any]] = []
    fitted: list[Fitted] = []
    for fold in task.folds:
        fold_rows, fold_fitted = _learn(cell, fold)
        rows += fold_rows
        fitted.append(fold_fitted)
    if accelerator.is_main_process:
        write_table(run.predictions(method), rows, PREDICTIONS)
        write_text(models(run, method, "") / "README.md", card(dataset, method, params, task, fitted))
    words = "; ".join([f"{len(rows)} clips predicted", _how(fitted), *warnings(task)])
    return Result(words, sum(each.cached for each in fitted))


def _keep(cell: Cell) -> None:
    """Decode what is not kept yet; one process of several does it, and the others find it."""
    clips = sorted({clip for fold in cell.task.folds for part in fold[1:] for clip in part})
    with (
        cell.accelerator.main_process_first(),
        Progress(f"train {cell.run.name} {cell.method}, clips decoded", len(clips)) as progress,
    ):
        cell.store.keep(clips, compute().processes, progress.advance)


def _learn(cell: Cell, fold: Fold) -> tuple[list[dict[str, Any]], Fitted]:
    """Train one fold's model, save it, and return the rows of its test clips."""
    run, method, params, task, store, accelerator = cell
    torch.manual_seed(params.recipe.seed)  # of random weights: each fold starts from the same
    built = build(params.net, shape(params), task.classes)
    key = _key(cell, fold, built)
    source = _sources(cell, built)
    validation = source(fold.validation) if fold.validation else None
    what = f"train {run.name} {method}" + (f" fold {fold.name}" if fold.name else "")
    with Curves(curves(run, method, fold.name), accelerator.is_main_process) as drawn:
        fitted = fit(
            accelerator,
            built.model,
            source(fold.train),
            validation,
            params.recipe,
            key=key,
            what=what,
            on_epoch=drawn.log,
        )
    round_to_half(built.model)  # as it is written, so that whoever loads it names what is predicted here
    if accelerator.is_main_process:
        save(params.net, built, shape(params), task.classes, models(run, method, fold.name))
    clips = [clip for part in params.parts for clip in getattr(fold, part)]
    scores = class_scores(accelerator, built, clips, store, params, task.many)
    revision = weights_hash(built.model)
    return list(prediction_rows(method, clips, scores, task.classes, task.many, revision, key)), fitted


def _sources(cell: Cell, built: Built) -> Any:
    params = cell.params

    def source(clips: Sequence[Clip]) -> Clips:
        wanted = targets(clips, cell.task.classes, cell.task.many)
        return Clips(clips, wanted, cell.store, built.mean, built.std, params.augmentation, params.recipe.seed)

    return source


def _key(cell: Cell, fold: Fold, built: Built) -> str:
    """Return the key of a fold's run: its params, its weights at the start, and the clips that it learns from."""
    parts = {
        part: [[clip.md5, clip.frames, list(clip.labels)] for clip in clips]
        for part, clips in (("train", fold.train), ("validation", fold.validation))
    }
    shapes = cell.params.model_dump(mode="json", include={"net", "pixels", "recipe", "augmentation"})
    accelerator = cell.accelerator
    return run_key(
        accelerator.device,
        accelerator.num_processes,
        stage="train",
        version=VERSION,
        params=shapes | {"labels": cell.task.labels},
        classes=cell.task.classes,
        start=weights_hash(built.model),
        **parts,
    )


def _how(fitted: Sequence[Fitted]) -> str:
    """Say in words how the runs of the folds went."""
    steps = sum(each.steps for each in fitted)
    if len(fitted) != 1:
        return f"{len(fitted)} folds, {steps} steps"
    (one,) = fitted
    found = next((epoch.validation_quality for epoch in one.history if epoch.epoch == one.best), None)
    quality = f", validation {found:.3f}" if found is not None else ""
    return f"{steps} steps, epoch {one.best} of {len(one.history)} kept{quality}"


__all__ = ["Result", "make"]
