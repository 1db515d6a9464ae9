"""A cell from end to end: features, training, both turns asked, and what is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from stages.base.errors import InputError, allow
from stages.base.journal.arrays import Arrays
from stages.base.progress import Progress
from stages.base.schema import PREDICTIONS
from stages.base.tables import write_table, write_text
from stages.interact.card import card
from stages.interact.cell import Cell, Frozen
from stages.interact.learning import Learner, learner_of
from stages.interact.params import Naming, Talking
from stages.interact.seen import ROOM, Seen, Shows, keep
from stages.learn.data import Fold, Task, read_task, warnings
from stages.learn.device import start
from stages.learn.loop import Fitted
from stages.learn.sharded import unsharded


class Result(NamedTuple):
    """What a cell's closing line says."""

    words: str
    cached: int
    """Steps of training that came from a checkpoint."""
    failed: list[str]
    """Test clips that are errors."""


def make(cell: Cell, way: Talking | Naming, frozen: Frozen) -> Result:
    """Train by one recipe on one protocol, and ask its test clips.

    Raises:
        InputError: streams, narrations, prompts or frozen models do not fit, or the loss is not a number.
        GateError: more of the test clips are errors than `way.errors` allows; no predictions are written then.
    """
    accelerator = start(way.recipe)
    task = read_task(cell.run, cell.protocol)
    if task.many:
        do = "take a data set with labels: single"
        raise InputError("one interaction a clip is learnt", file=cell.run.classes, key="labels", do=do)
    shows = Shows(way.seeing, cell.streams, frozen.shapes)
    clips = sorted({clip for fold in task.folds for part in fold[1:] for clip in part})
    shows.check(clips)
    learner = learner_of(cell, way, frozen, task, accelerator)
    seen = {clip.clip_id: shows.look(clip) for clip in clips}
    with accelerator.main_process_first(), Arrays(ROOM) as arrays:
        failed = _keep(cell, shows, list(seen.values()), arrays, frozen)
    usable = {clip_id: one for clip_id, one in seen.items() if clip_id not in failed}
    rows: list[dict[str, Any]] = []
    fitted: list[Fitted] = []
    with Arrays(ROOM) as arrays:
        for fold in task.folds:
            fold_rows, fold_fitted = _fold(learner, fold, usable, failed, arrays)
            rows += fold_rows
            fitted.append(fold_fitted)
    errors = {row["clip_id"]: row["detail"] for row in rows if row["status"] == "error"}
    allow(errors, len(rows), way.errors, "test clips")
    notes = _notes(task, rows, failed)
    if accelerator.is_main_process:
        write_table(cell.run.predictions(cell.method), rows, PREDICTIONS)
        write_text(cell.folder() / "README.md", card(cell, way, frozen, task, notes, sum(one.steps for one in fitted)))
    accelerator.wait_for_everyone()
    words = "; ".join([f"{len(rows)} clips asked", f"{sum(one.steps for one in fitted)} steps", *notes])
    return Result(words, sum(one.cached for one in fitted), list(errors))


def _keep(cell: Cell, shows: Shows, seen: Sequence[Seen], arrays: Arrays, frozen: Frozen) -> dict[str, str]:
    with Progress(f"{cell.name}, clips seen", len(seen)) as progress:
        return keep(shows, seen, arrays, frozen.encoders, progress.advance)


def _fold(
    learner: Learner, fold: Fold, usable: dict[str, Seen], failed: dict[str, str], arrays: Arrays
) -> tuple[list[dict[str, Any]], Fitted]:
    """Train a fold's model, write it, and return the rows of its test clips."""
    parts = {
        name: [usable[clip.clip_id] for clip in clips if clip.clip_id in usable]
        for name, clips in (("train", fold.train), ("validation", fold.validation), ("test", fold.test))
    }
    if not parts["train"]:
        raise InputError("no clip of the train part can be seen", key=fold.name, do="run its streams again")
    torch.manual_seed(learner.way.recipe.seed)  # of random weights: each fold starts from the same
    widths = {name: int(arrays[key].shape[2]) for name, key in parts["train"][0].keys.items()}
    model = learner.model(widths)
    fitted, key = learner.fit(model, parts, arrays, fold.name)
    model = unsharded(model, lambda: learner.model(widths))
    learner.save(model, widths, fold.name)
    rows = learner.rows(model, parts["test"], arrays, key) if parts["test"] else []
    for clip in fold.test:
        if clip.clip_id in failed:
            row = {"clip_id": clip.clip_id, "method": learner.cell.method, "repeat": 0}
            rows.append(row | {"status": "error", "detail": failed[clip.clip_id]})
    return rows, fitted


def _notes(task: Task, rows: Sequence[dict[str, Any]], failed: dict[str, str]) -> list[str]:
    odd = sum("names no class" in (row["detail"] or "") for row in rows if row["status"] != "error")
    missing = sum("in no frame" in (row["detail"] or "") for row in rows if row["status"] != "error")
    notes = [f"{odd} one-word answers name no class"] if odd else []
    notes += [f"a person is in no frame of {missing} test clips"] if missing else []
    notes += [f"{len(failed)} clips left out"] if failed else []
    return [*notes, *warnings(task)]
