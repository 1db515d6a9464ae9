"""A cell from end to end: what is read, what its recipe makes of it, and what is written."""

from __future__ import annotations

from typing import NamedTuple

from stages.adapt.card import card
from stages.adapt.cell import Cell, Setting
from stages.adapt.naming import HeadAndLora, HeadOnly, name_classes
from stages.adapt.params import Captions, FtLc, Way
from stages.adapt.speaking import references, say_captions
from stages.base.errors import InputError, allow
from stages.base.schema import PREDICTIONS
from stages.base.tables import write_table, write_text
from stages.learn.data import read_task, warnings
from stages.learn.device import start
from stages.learn.loop import Fitted
from stages.vlm.params import LocalParams


class Result(NamedTuple):
    """What a cell's closing line says."""

    words: str
    cached: int
    """Steps of training that came from a checkpoint."""
    failed: list[str]
    """Test clips that could not be shown."""


def make(cell: Cell, way: Way, vlm: LocalParams) -> Result:
    """Adapt a model by one recipe on one protocol.

    Writes head and adapter into the cell's folder, and the table of predictions: no rows of what learns to speak.

    Raises:
        InputError: what is given does not allow it: see `name_classes` and `say_captions`.
        GateError: more of the predicted clips are errors than `way.errors` allows; nothing is written then.
    """
    if vlm.adapter and not isinstance(way, FtLc):
        raise InputError(
            "LoRA on a model that has an adapter already",
            key=f"vlm.{cell.model}.adapter",
            do="adapt the base model, or take the way ft_lc",
        )
    accelerator = start(way.recipe)
    task = read_task(cell.run, cell.protocol, named=not isinstance(way, Captions))
    setting, notes = Setting.of(cell, way, vlm, accelerator), warnings(task)
    if isinstance(way, Captions):
        made = say_captions(setting, way, task, references(cell.run))
    elif isinstance(way, FtLc):
        head = HeadOnly.of(setting, task)
        notes.append(f"{head.computed} of {len(head.found)} features computed")
        made = name_classes(setting, task, head, way.parts)
    else:
        made = name_classes(setting, task, HeadAndLora(setting, way), way.parts)
    failed = {row["clip_id"]: row["detail"] for row in made.rows if row["status"] == "error"}
    allow(failed, len(made.rows), way.errors, "predicted clips")
    if accelerator.is_main_process:
        write_table(cell.run.predictions(cell.method), made.rows, PREDICTIONS)
        write_text(setting.folder / "README.md", card(setting, task, made))
    words = [*notes, *([f"{len(made.rows)} clips predicted"] if made.rows else []), how(made.fitted)]
    return Result("; ".join(words), sum(one.cached for one in made.fitted), list(failed))


def how(fitted: list[Fitted]) -> str:
    """Say in words how the runs of the folds went."""
    steps = sum(one.steps for one in fitted)
    if len(fitted) != 1:
        return f"{len(fitted)} folds, {steps} steps"
    (one,) = fitted
    known = next((epoch for epoch in one.history if epoch.epoch == one.best), None)
    quality = known.validation_quality if known else None
    at = f", validation {quality:.3f}" if quality is not None else ""
    return f"{steps} steps, epoch {one.best} of {len(one.history)}{at}"
