"""The training loop, on accelerate: one code for a CPU, a GPU and several; a killed run goes on to the same weights.

Nothing that is random remembers what came before: order, augmentation and dropout of a step follow from the seed and
the step. So a run's state is its weights, the optimiser's moments and what it has logged.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from accelerate import Accelerator
from torch import nn

from stages.base.errors import InputError
from stages.base.params import compute
from stages.base.progress import Progress
from stages.checkpoint.state import Checkpoint
from stages.learn.checkpoint import ROOM, learnt, restore
from stages.learn.device import predict
from stages.learn.losses import Objective
from stages.learn.params import Recipe
from stages.learn.sharded import is_sharded, most, whole
from stages.learn.source import Source
from stages.learn.stepping import Stepper


class Epoch(NamedTuple):
    """One pass over the train part; what is None was not validated."""

    epoch: int
    """From 1."""
    steps: int
    """Optimiser steps so far."""
    rate: float
    """Learning rate of its last step."""
    train_loss: float
    """Mean over its samples, as it was optimised."""
    validation_loss: float | None
    """Unweighted mean over the validation part."""
    validation_quality: float | None
    """Mean class accuracy, or macro-F1 at 0.5 for several labels; with an objective of its own, what that says."""
    terms: dict[str, float] | None = None
    """Mean over its samples of each term of the loss, where the objective has several."""

    @property
    def rank(self) -> tuple[float, float]:
        """What the best epoch is chosen by: quality, of equal ones the lower loss."""
        assert self.validation_quality is not None
        assert self.validation_loss is not None
        return (self.validation_quality, -self.validation_loss)


class Fitted(NamedTuple):
    """A finished run; the model holds the weights of epoch `best`."""

    history: list[Epoch]
    best: int
    """The epoch whose weights are kept: of the best validation, or the last by the recipe or without validation."""
    steps: int
    cached: int
    """Steps that came from a checkpoint."""


def fit(
    accelerator: Accelerator,
    model: nn.Module,
    train: Source,
    validation: Source | None,
    recipe: Recipe,
    *,
    key: str,
    what: str,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
    every: float | None = None,
    objective: Objective | None = None,
) -> Fitted:
    """Train the parameters of a model that require gradients; it ends with the weights of the best epoch.

    Args:
        accelerator: of `start`.
        model: its forward takes `train.inputs` as keywords and returns logits (B, C), or an object that has `.logits`.
        train: what it learns from; its targets choose the loss (see `losses.py`) and its weights.
        validation: what the best epoch is chosen by; None or empty: no early stop, the last epoch is the best.
        recipe: how.
        key: of `checkpoint.run_key`; it must cover all of these arguments.
        what: name of the run in progress lines.
        on_epoch: is told each finished epoch in order, also those that a checkpoint brings back.
        every: seconds from one checkpoint to the next; 0 saves each step; None: as compute.yaml says.
        objective: what for; None: to name classes, one or several by the targets' type.

    Raises:
        InputError: the loss is not a number, or the model cannot checkpoint its activations.
    """
    every = compute().checkpoint_seconds if every is None else every
    checked = validation if validation is not None and len(validation) else None
    return _Run(accelerator, model, train, checked, recipe, Checkpoint(ROOM, key), what, every, objective).run(on_epoch)


@dataclass
class _Run:
    accelerator: Accelerator
    plain: nn.Module
    train: Source
    validation: Source | None
    recipe: Recipe
    checkpoint: Checkpoint
    what: str
    every: float
    objective: Objective | None
    history: list[Epoch] = field(default_factory=list)
    best: int = 0
    step: int = 0
    total: float = 0.0
    """Sum of the losses of the epoch under way."""
    terms: list[float] = field(default_factory=list)
    """Sums of its terms."""

    def run(self, on_epoch: Callable[[Epoch], None]) -> Fitted:
        if not is_sharded():  # else no device need hold all of it
            self.plain.to(self.accelerator.device)
        done = self.checkpoint.load("done")
        if done is not None:
            restore(self.plain, done["weights"])
            if is_sharded():
                self._stepper()  # it is asked as it was trained
            self._recall(done, on_epoch)
            self.plain.eval()
            return Fitted(self.history, self.best, self.step, self.step)
        state = self.checkpoint.load_state(lambda state: ["best"] if state["validated"] and state["best"] else [])
        if state is not None:
            restore(self.plain, state["weights"])
        stepper = self._stepper()
        if state is not None:
            stepper.recall(state)
            self.total, self.terms = state["total"], state.get("terms", [])
            self._recall(state, on_epoch)
        cached = self.step
        with Progress(f"{self.what}, steps", stepper.steps, cached) as progress:
            self._learn(stepper, progress, on_epoch)
        self._finish(stepper)
        return Fitted(self.history, self.best, self.step, cached)

    def _stepper(self) -> Stepper:
        return Stepper(self.accelerator, self.plain, self.train, self.recipe, self.what, self.objective)

    def _save(self, name: str, made: Callable[[], dict[str, Any]], **own: Any) -> None:
        """Save what is `made`, and `own`: the first process does; where each has a part they make it together."""
        writes = self.accelerator.is_main_process
        state = whole(made()) if writes or is_sharded() else {}
        if writes:
            self.checkpoint.save(name, state | own)

    def _weights(self) -> dict[str, Any]:
        return {"weights": learnt(self.plain)}

    def _due(self, saved: float) -> bool:
        """Return whether to save: the first process's clock says so, for all where they save together."""
        due = time.monotonic() - saved >= self.every and self.accelerator.is_main_process
        return most(due, self.accelerator.device) > 0

    def _recall(self, state: dict[str, Any], on_epoch: Callable[[Epoch], None]) -> None:
        self.history = [Epoch(*row) for row in state["history"]]
        self.best, self.step = state["best"], state["step"]
        for epoch in self.history:
            on_epoch(epoch)

    def _learn(self, stepper: Stepper, progress: Progress, on_epoch: Callable[[Epoch], None]) -> None:
        saved = time.monotonic()
        while self.step < stepper.steps and not self._stops():
            self.total += stepper.take(self.step)
            before = self.terms or [0.0] * len(stepper.terms)
            self.terms = [sum(both) for both in zip(before, stepper.terms, strict=True)]
            self.step += 1
            progress.advance(1)
            if self.step % stepper.an_epoch == 0:
                self.history.append(self._close(stepper))
                self.total, self.terms = 0.0, []
                on_epoch(self.history[-1])
            if self._due(saved):
                own = {
                    "total": self.total,
                    "terms": self.terms,
                    "history": [list(row) for row in self.history],
                    "best": self.best,
                    "step": self.step,
                    "validated": self.validation is not None,
                }
                if self.accelerator.is_main_process:
                    self.checkpoint.keep_old("state")
                self._save("state", stepper.state, **own)
                saved = time.monotonic()

    def _stops(self) -> bool:
        patience = self.recipe.patience
        waits = self.validation is not None and patience is not None and self.best > 0
        return waits and len(self.history) - self.best >= (patience or 0)

    def _close(self, stepper: Stepper) -> Epoch:
        """Validate, keep the weights where they are the best so far, and return the epoch."""
        number = self.step // stepper.an_epoch
        names, count = stepper.objective.terms, len(self.train)
        terms = {name: value / count for name, value in zip(names, self.terms, strict=True)} if names else None
        plain = Epoch(number, self.step, stepper.rate(self.step - 1), self.total / count, None, None, terms)
        if self.validation is None:
            self.best = number
            return plain
        if number % self.recipe.validate_every and number < self.recipe.epochs:
            return plain
        own = None
        if stepper.shadow is not None:
            own = learnt(self.plain)
            restore(self.plain, stepper.shadow)
        batch = max(1, self.recipe.batch // self.recipe.accumulate)
        logits, wanted = predict(self.accelerator, self.plain, self.validation, batch), self.validation.targets.numpy()
        loss, quality = stepper.objective.score(logits, wanted)
        found = plain._replace(validation_loss=loss, validation_quality=quality)
        known = next((epoch for epoch in self.history if epoch.epoch == self.best), None)
        if known is None or self.recipe.keep == "last" or found.rank > known.rank:
            self.best = number
            # Before the state that refers to it: a run killed in between comes here again, to the same weights.
            self._save("best", self._weights)
        if own is not None:
            restore(self.plain, own)
        return found

    def _finish(self, stepper: Stepper) -> None:
        """Put the best weights in place, and leave them where the same run finds them."""
        self.accelerator.wait_for_everyone()
        best = self.checkpoint.load("best") if self.validation is not None else None
        if best is None and self.validation is not None:
            raise InputError(
                "the weights of the best epoch were damaged while it trained",
                file=self.checkpoint.folder,
                do="check the disk and start again: it goes on where it can",
            )
        if best is not None:
            restore(self.plain, best["weights"])
        elif stepper.shadow is not None:
            restore(self.plain, stepper.shadow)
        self.accelerator.unwrap_model(stepper.model, keep_fp32_wrapper=False)
        self.plain.eval()
        self.accelerator.wait_for_everyone()  # nobody reads `best` any more
        history = [list(row) for row in self.history]
        self._save("done", self._weights, history=history, best=self.best, step=self.step)
        if self.accelerator.is_main_process:
            self.checkpoint.drop("state", "state.old", "best")
        self.accelerator.wait_for_everyone()
