"""A trained method from end to end, whatever for: each fold trained, saved and asked about its test clips."""

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
from stages.learn.losses import Objective
from stages.learn.prediction_rows import prediction_rows
from stages.learn.sharded import unsharded
from stages.learn.source import Clips
from stages.nets.asked import class_scores, shape
from stages.nets.card import card
from stages.nets.models import Built, build, save
from stages.nets.trained import TrainParams, curves, models
from stages.weights.halved import round_to_half

#: Raise it when the same params and clips give other weights.
VERSION = 2


class Result(NamedTuple):
    """What the closing line says."""

    words: str
    cached: int
    """Steps that came from a checkpoint."""


class Aim:
    """What a method is trained for: to name the classes of its clips. Others override what differs."""

    STAGE = "train"
    VERSION = VERSION
    heads: Sequence[int] = ()
    """Classes of each head, one after the other, where there are several."""

    def __init__(self, run: Run, params: TrainParams, task: Task) -> None:
        """Bind what is learnt.

        Raises:
            InputError: clips, params and what else it is learnt from do not fit together.
        """
        self.run, self.params, self.task = run, params, task

    @property
    def outputs(self) -> list[str]:
        """Names of the model's outputs."""
        return self.task.classes

    def equip(self, built: Built) -> None:
        """Give a model that was just made what it needs in training only."""

    def strip(self, built: Built) -> None:
        """Take that away again."""

    def targets(self, clips: Sequence[Clip], train: bool) -> torch.Tensor:
        """Return the targets of clips of the train part, or of another."""
        return targets(clips, self.task.classes, self.task.many)

    def objective(self, train: torch.Tensor) -> Objective | None:
        """Return what is minimised, by the train part's targets; None: the naming of classes."""
        return None

    def key(self) -> dict[str, Any]:
        """Return what shapes a run beside params, clips, labels and weights."""
        return {}

    def rows(self, method: str, clips: Sequence[Clip], scores: Any, revision: str, key: str) -> list[dict[str, Any]]:
        """Return the rows of PREDICTIONS of clips with scores (N, outputs)."""
        return list(prediction_rows(method, clips, scores, self.task.classes, self.task.many, revision, key))

    def notes(self) -> list[str]:
        """Return what the card says more, a line each."""
        return warnings(self.task)


class Cell(NamedTuple):
    """What all folds of a method share."""

    run: Run
    method: str
    params: TrainParams
    task: Task
    store: Store
    accelerator: Accelerator
    aim: Aim


def make(dataset: str, method: str, params: TrainParams, kind: type[Aim] = Aim) -> Result:
    """Train a method on a data set and write predictions, weights and curves.

    Args:
        dataset: its name.
        method: its name.
        params: of the method.
        kind: what it is trained for.

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
    cell = Cell(run, method, params, task, Store(params.pixels), accelerator, kind(run, params, task))
    _keep(cell)
    rows: list[dict[str, Any]] = []
    fitted: list[Fitted] = []
    for fold in task.folds:
        fold_rows, fold_fitted = _learn(cell, fold)
        rows += fold_rows
        fitted.append(fold_fitted)
    if accelerator.is_main_process:
        write_table(run.predictions(method), rows, PREDICTIONS)
        write_text(models(run, method, "") / "README.md", card(dataset, method, params, task, fitted, cell.aim.notes()))
    words = "; ".join([f"{len(rows)} clips predicted", _how(fitted), *warnings(task)])
    return Result(words, sum(each.cached for each in fitted))


def _keep(cell: Cell) -> None:
    """Decode what is not kept yet; one process of several does it, and the others find it."""
    clips = sorted({clip for fold in cell.task.folds for part in fold[1:] for clip in part})
    with (
        cell.accelerator.main_process_first(),
        Progress(f"{cell.aim.STAGE} {cell.run.name} {cell.method}, clips decoded", len(clips)) as progress,
    ):
        cell.store.keep(clips, compute().processes, progress.advance)


def _learn(cell: Cell, fold: Fold) -> tuple[list[dict[str, Any]], Fitted]:
    """Train one fold's model, save it, and return the rows of its test clips."""
    run, method, params, task, store, accelerator, aim = cell
    torch.manual_seed(params.recipe.seed)  # of random weights: each fold starts from the same
    built = build(params.net, shape(params), aim.outputs)
    aim.equip(built)
    key = _key(cell, fold, built)
    source = _sources(cell, built)
    train, validation = source(fold.train, True), source(fold.validation, False) if fold.validation else None
    what = f"{aim.STAGE} {run.name} {method}" + (f" fold {fold.name}" if fold.name else "")
    with Curves(curves(run, method, fold.name), accelerator.is_main_process) as drawn:
        fitted = fit(
            accelerator,
            built.model,
            train,
            validation,
            params.recipe,
            key=key,
            what=what,
            on_epoch=drawn.log,
            objective=aim.objective(train.targets),
        )
    aim.strip(built)
    built = built._replace(model=unsharded(built.model, lambda: build(params.net, shape(params), aim.outputs).model))
    round_to_half(built.model)  # as it is written, so that whoever loads it names what is predicted here
    if accelerator.is_main_process:
        save(params.net, built, shape(params), aim.outputs, models(run, method, fold.name))
    clips = [clip for part in params.parts for clip in getattr(fold, part)]
    scores = class_scores(accelerator, built, clips, store, params, task.many, heads=aim.heads)
    return aim.rows(method, clips, scores, weights_hash(built.model), key), fitted


def _sources(cell: Cell, built: Built) -> Any:
    params = cell.params

    def source(clips: Sequence[Clip], train: bool) -> Clips:
        wanted = cell.aim.targets(clips, train)
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
        stage=cell.aim.STAGE,
        version=cell.aim.VERSION,
        params=shapes | {"labels": cell.task.labels},
        classes=cell.task.classes,
        start=weights_hash(built.model),
        **cell.aim.key(),
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


__all__ = ["Aim", "Result", "make"]
