"""A cell: a VLM adapted by one recipe on one protocol of a data set; its names, and what all kinds have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from accelerate import Accelerator
from torch import nn

from stages.adapt.params import FtLc, Way
from stages.base.params import compute
from stages.base.paths import Run
from stages.labels.classes import Labels
from stages.learn.checkpoint import run_key
from stages.learn.curves import Curves
from stages.learn.data import Clip, Task
from stages.learn.device import predict
from stages.learn.loop import Fitted, fit
from stages.learn.losses import Objective
from stages.learn.prediction_rows import prediction_rows, probabilities
from stages.learn.sharded import is_sharded
from stages.learn.source import Source
from stages.vlm.base import Media
from stages.vlm.local import Local
from stages.vlm.params import LocalParams
from stages.vlm.prompts import Prompt
from stages.vlm.show import Show

#: Raise it when the same params and clips give other weights.
VERSION = 2

PROMPTS = Path(__file__).parent / "prompts"

Row = dict[str, Any]


class Learnt(NamedTuple):
    """What a cell ended in."""

    rows: list[Row]
    """Of table PREDICTIONS, one a test clip."""
    fitted: list[Fitted]
    """One a fold."""
    revisions: list[str]
    """What identifies the weights, one a fold."""


@dataclass(frozen=True)
class Cell:
    """The names of a cell, which say where its outputs go."""

    dataset: str
    method: str
    """What it is called, such as embedded_ft_lc_cs."""
    model: str
    recipe: str
    protocol: str

    @property
    def run(self) -> Run:
        """The data set's files."""
        return Run(self.dataset)

    @property
    def folder(self) -> Path:
        """Where what is learnt goes; a fold's is below it."""
        return self.run.data / "models" / self.method

    def curves(self, fold: str) -> Path:
        """Return the folder of a fold's learning curves."""
        return self.run.data / "curves" / self.method / fold


@dataclass(frozen=True)
class Setting:
    """What all folds of a cell share."""

    cell: Cell
    way: Way
    accelerator: Accelerator
    backend: Local
    show: Show
    prompt: str

    @classmethod
    def of(cls, cell: Cell, way: Way, vlm: LocalParams, accelerator: Accelerator) -> Setting:
        """Open what a cell reads; no weights are loaded yet.

        Raises:
            InputError: a file or the prompt is not there.
        """
        where = compute()
        # What is trained sharded is loaded where all of it has room, and each process's part goes to its device.
        device = "cpu" if is_sharded() and not isinstance(way, FtLc) else where.device
        vlm = vlm.model_copy(update={"dtype": way.dtype or vlm.dtype})
        backend = Local(vlm, device, where.batch, way.recipe.threads)
        return cls(cell, way, accelerator, backend, Show(cell.run, vlm), Prompt(PROMPTS, way.prompt).fill())

    @property
    def folder(self) -> Path:
        """Where what is learnt goes; a fold's is below it."""
        return self.cell.folder

    @property
    def name(self) -> str:
        """The cell in progress lines."""
        return f"adapt {self.cell.dataset} {self.cell.method}"

    def learn(
        self,
        model: nn.Module,
        train: Source,
        validation: Source,
        fold: str,
        shapes: dict[str, Any],
        objective: Objective | None = None,
        labels: Labels | None = None,
    ) -> tuple[Fitted, str]:
        """Train a model of one fold; return how it went, and the key under which it is journalled.

        `shapes` is all that shapes the weights beside base model, prompt and block of params: clips and labels. The
        kind of `labels` that a head learns to name stands in the key as if it were one of these params.
        """
        way = self.way.model_dump(mode="json", exclude={"prompt", "parts", "errors"})
        way |= {} if labels is None else {"labels": labels}
        key = run_key(
            self.accelerator.device,
            self.accelerator.num_processes,
            adapt=VERSION,
            peft=version("peft"),
            way=way,
            prompt=self.prompt,
            base=self.backend.hidden_shape(),
            **shapes,
        )
        what = f"{self.name} {fold}" if fold else self.name
        with Curves(self.cell.curves(fold), self.accelerator.is_main_process) as curves:
            fitted = fit(
                self.accelerator,
                model,
                train,
                validation,
                self.way.recipe,
                key=key,
                what=what,
                on_epoch=curves.log,
                objective=objective,
            )
        return fitted, key

    def rows(
        self, model: nn.Module, test: Source, clips: Sequence[Clip], task: Task, revision: str, key: str
    ) -> list[Row]:
        """Return the rows of test clips."""
        recipe = self.way.recipe
        logits = predict(self.accelerator, model, test, max(1, recipe.batch // recipe.accumulate))
        scores = probabilities(logits, task.many)
        return list(prediction_rows(self.cell.method, clips, scores, task.classes, task.many, revision, key))

    def failed(self, clip: Clip, why: str) -> Row:
        """Return the row of a test clip that cannot be shown."""
        same = {"clip_id": clip.clip_id, "method": self.cell.method, "repeat": 0}
        return same | {"status": "error", "detail": why, "revision": self.backend.revision}


class MediaCache:
    """What is shown of each clip, kept in memory as far as it fits, so that an epoch decodes nothing again."""

    def __init__(self, media: Callable[[str], Media | None], most: int = 2 << 30) -> None:
        self._media, self._left = media, most
        self._known: dict[str, Media | None] = {}

    def __call__(self, clip_id: str) -> Media | None:
        """Return a clip's media.

        Raises:
            InputError: it cannot be shown.
        """
        if clip_id in self._known:
            return self._known[clip_id]
        media = self._media(clip_id)
        size = sum(math.prod(frame.shape) for frame in media.frames) if media else 0
        if size <= self._left:
            self._left -= size
            self._known[clip_id] = media
        return media
