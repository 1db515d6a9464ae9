"""What a student is trained for: its labels, and what its teachers say of its train clips."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.distill.params import DistillParams
from stages.learn.data import Clip, Task
from stages.learn.losses import Objective
from stages.learn.prediction_rows import action_rows, pairs_of
from stages.nets.beside import attach, detach, width_of
from stages.nets.learning import Aim
from stages.nets.models import Built
from stages.nets.trained import TrainParams
from stages.teachers.heads import Heads, heads_of, outputs, places, sizes
from stages.teachers.loss import distilling
from stages.teachers.mixing import Signals, mixed
from stages.teachers.signals import read, rows_for


class Distilling(Aim):
    """A student of one or several teachers, or of its labels alone."""

    STAGE = "distill"
    VERSION = 1
    params: DistillParams

    def __init__(self, run: Run, params: TrainParams, task: Task) -> None:
        """Bind a protocol's train clips to what teachers say of them.

        Raises:
            InputError: the protocol has folds, a clip lacks what `heads` names, or a teacher does not fit.
        """
        super().__init__(run, params, task)
        if task.many:
            do = "train it by a recipe without `distillation`"
            raise InputError("distillation is of clips with one label each", file=run.classes, key="labels", do=do)
        if self.params.distillation.taught != bool(self.params.teachers):
            raise InputError(
                "a teacher is what distillation and regression need; cross_entropy alone needs none",
                file="params.yaml",
                key="teacher",
                do="name one, or data/none where the recipe's terms are [cross_entropy]",
            )
        if len(task.folds) > 1:
            raise InputError(
                f"protocol {task.protocol} has {len(task.folds)} folds, and a teacher is of one train part",
                file=run.splits,
                key=task.protocol,
                do="choose a protocol with one fold",
            )
        self.classes: Heads = heads_of(run, task, self.params.heads)
        self.heads = sizes(self.classes) if len(self.classes) > 1 else ()
        self.train = task.folds[0].train
        self.row = {clip.clip_id: row for row, clip in enumerate(self.train)}
        self.signals = self._taught()

    def _taught(self) -> Signals | None:
        if not self.params.teachers:
            return None
        teachers = [read(Path(folder)) for folder in self.params.teachers]
        rows = [rows_for(teacher, self.train, self.classes, self.run.manifest) for teacher in teachers]
        wanted = places(self.train, self.classes)
        regressed = "regression" in self.params.distillation.terms
        signals = mixed(teachers, rows, wanted, sizes(self.classes), self.params.mix, regressed)
        if regressed and signals.embedding is None:
            raise InputError(
                "a teacher without embeddings",
                file=", ".join(self.params.teachers),
                key="embedding",
                do="leave `regression` out of the terms, or name teachers that have embeddings",
            )
        return signals

    @property
    def outputs(self) -> list[str]:
        """Names of the model's outputs: labels, or verbs and nouns."""
        return outputs(self.classes)

    def equip(self, built: Built) -> None:
        """Give a model the linear head that regresses the teacher's embedding."""
        if "regression" in self.params.distillation.terms:
            assert self.signals is not None
            assert self.signals.embedding is not None
            attach(built.model, nn.Linear(width_of(built.model), self.signals.embedding.shape[1]))

    def strip(self, built: Built) -> None:
        """Take it away again."""
        if "regression" in self.params.distillation.terms:
            detach(built.model)

    def targets(self, clips: Sequence[Clip], train: bool) -> torch.Tensor:
        """Return (N, heads + 1) int64: the class of each head, and in training the row of the teacher's signals."""
        rows = np.array([self.row[clip.clip_id] if train else -1 for clip in clips], np.int64)
        return torch.from_numpy(np.concatenate([places(clips, self.classes), rows[:, None]], axis=1))

    def objective(self, train: torch.Tensor) -> Objective:
        """Return the loss of `teachers/loss.py`."""
        signals = self.signals or Signals(np.empty(0, np.float32), None)
        embedding = None if signals.embedding is None else torch.from_numpy(signals.embedding)
        return distilling(
            train,
            list(self.classes),
            sizes(self.classes),
            self.params.recipe,
            self.params.distillation,
            torch.from_numpy(signals.log_probabilities),
            embedding,
        )

    def key(self) -> dict[str, Any]:
        """Return heads, loss, and the teachers' hash."""
        signals = self.signals or Signals(np.empty(0, np.float32), None)
        said = [None if one is None else hashlib.blake2b(one.tobytes(), digest_size=16).hexdigest() for one in signals]
        return {
            "heads": {head: list(classes) for head, classes in self.classes.items()},
            "distillation": self.params.distillation.model_dump(mode="json"),
            "signals": said,
        }

    def rows(
        self, method: str, clips: Sequence[Clip], scores: NDArray[np.float64], revision: str, key: str
    ) -> list[dict[str, Any]]:
        """Return the rows of PREDICTIONS; of two heads with verbs, nouns, and their products as class scores."""
        if not self.heads:
            return super().rows(method, clips, scores, revision, key)
        pairs = pairs_of([clip for part in self.task.folds[0][1:] for clip in part])
        return list(
            action_rows(method, clips, scores, self.classes["verb"], self.classes["noun"], pairs, revision, key)
        )
