"""One optimiser step: its samples in pieces over devices, mixed where the recipe says so, the gradient clipped."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import nn

from stages.base.errors import InputError
from stages.checkpoint.state import Weights
from stages.learn.checkpoint import learnt
from stages.learn.device import logits_of
from stages.learn.dropout import Draw, remembered
from stages.learn.losses import Objective, naming
from stages.learn.params import Recipe
from stages.learn.schedule import optimiser, rate
from stages.learn.sharded import is_sharded, like, moments, shard
from stages.learn.source import Source
from stages.learn.together import TogetherNorm


class Stepper:
    """Model and optimiser. What a step does follows from its number alone, beside weights and moments."""

    def __init__(
        self,
        accelerator: Accelerator,
        model: nn.Module,
        train: Source,
        recipe: Recipe,
        what: str,
        objective: Objective | None = None,
    ) -> None:
        self.accelerator, self.plain, self.train, self.recipe, self.what = accelerator, model, train, recipe, what
        self.an_epoch = math.ceil(len(train) / recipe.batch)
        self.steps = recipe.epochs * self.an_epoch
        if recipe.checkpointing:
            _save_memory(model)
        self._norms = TogetherNorm(model) if accelerator.num_processes > 1 else None
        both = model, optimiser(model, recipe, accelerator.device)
        self.model, self.optimiser = shard(accelerator, *both) if is_sharded() else accelerator.prepare(*both)
        self.objective = objective or self._naming()
        self.terms = [0.0] * len(self.objective.terms)
        """Sums of the last step's samples, of each term of the objective."""
        self.shadow: Weights | None = learnt(model) if recipe.average else None
        """The moving average of the weights, where the recipe has one."""

    def _naming(self) -> Objective:
        wanted = self.train.targets
        classes = wanted.shape[1] if wanted.ndim == 2 else self._classes()
        return naming(wanted, classes, self.recipe.class_weights, self.recipe.smoothing)

    @torch.no_grad()
    def _classes(self) -> int:
        self.plain.eval()
        return int(logits_of(self.plain, self.train.inputs([0], None, self.accelerator.device)).shape[1])

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint needs of it."""
        return {"weights": learnt(self.plain), "optimiser": self.optimiser.state_dict(), "shadow": self.shadow}

    def recall(self, state: dict[str, Any]) -> None:
        """Go on from such a state; the weights are in place already."""
        self.optimiser.load_state_dict(moments(self.optimiser, state["optimiser"]))
        if state["shadow"] is not None:
            held, device = learnt(self.plain), self.accelerator.device
            self.shadow = {name: like(held[name], value.to(device)) for name, value in state["shadow"].items()}

    def rate(self, step: int) -> float:
        """Return the learning rate of a step, from 0."""
        return rate(self.recipe, step, self.steps, self.an_epoch)

    def picked(self, step: int) -> list[int]:
        """Return the samples of a step."""
        epoch, place = divmod(step, self.an_epoch)
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(self.train))
        chosen: list[int] = order[place * self.recipe.batch : (place + 1) * self.recipe.batch].tolist()
        return chosen

    def take(self, step: int) -> float:
        """Take a step; return the sum of its samples' losses.

        Raises:
            InputError: it is not a number.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(step) * group["factor"]
        self.model.train()
        self.optimiser.zero_grad(set_to_none=True)
        picked = self.picked(step)
        self._announce(step + 1)
        total = self._backward(step, picked)
        self._check(step, total)
        if self.recipe.clip is not None:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimiser.step()
        self._follow(step)
        return total

    def _announce(self, step: int) -> None:
        """Tell a source that can work ahead which of a step's samples this process will ask it for."""
        ahead = getattr(self.train, "ahead", None)
        if ahead is not None and step < self.steps:
            picked = self.picked(step)
            mine = [row for piece in range(self.recipe.accumulate) for row in self._mine(picked, piece)[1]]
            ahead([picked[row] for row in mine], step // self.an_epoch)

    def _mine(self, picked: Sequence[int], piece: int) -> tuple[int, NDArray[np.int64]]:
        """Return the number of this process's share of a step's piece, and its rows."""
        world, pieces = self.accelerator.num_processes, self.recipe.accumulate
        rank = self.accelerator.process_index
        rows = np.array_split(np.arange(len(picked)), pieces)[piece]  # the pieces of one process, shared out
        return piece * world + rank, np.array_split(rows, world)[rank]

    def _backward(self, step: int, picked: list[int]) -> float:
        world, pieces = self.accelerator.num_processes, self.recipe.accumulate
        partners, share = self._mixed(step, picked)
        total = torch.zeros(1 + len(self.terms), device=self.accelerator.device)
        for piece in range(pieces):
            number, mine = self._mine(picked, piece)
            # A piece without samples still takes part in what the processes do together; it weighs nothing.
            rows = mine if len(mine) else np.zeros(1, np.int64)
            if self._norms is not None:
                self._norms.counts = len(mine) > 0
            seed = np.random.SeedSequence([self.recipe.seed, step, number]).generate_state(1)[0]
            torch.manual_seed(int(seed))  # of what `dropout` does not catch
            # Sharded gradients are summed at once: whole ones, which would wait for the last piece, take the memory.
            with nullcontext() if piece + 1 == pieces or is_sharded() else self.accelerator.no_sync(self.model):
                losses = self._losses(step, [picked[row] for row in rows], [partners[row] for row in rows], share)
                summed = losses.sum().view(1) if losses.ndim == 1 else losses.sum(0)  # the loss, and its terms if any
                summed = summed * (len(mine) > 0)
                self.accelerator.backward(summed[0] * world / len(picked))  # processes average their gradients
            total += summed.detach()
        loss, *self.terms = (self.accelerator.reduce(total) if world > 1 else total).tolist()
        return float(loss)

    def _losses(self, step: int, rows: list[int], partners: list[int], share: float) -> torch.Tensor:
        device, targets, epoch = self.accelerator.device, self.train.targets, step // self.an_epoch
        inputs = self.train.inputs(rows, epoch, device)
        if share < 1:
            others = self.train.inputs(partners, epoch, device)
            inputs = {
                name: torch.lerp(others[name], value, share) if value.is_floating_point() else value
                for name, value in inputs.items()
            }
        with self.accelerator.autocast(), Draw(self.recipe.seed, step, rows, device):
            logits = logits_of(self.model, inputs).float()
        losses = self.objective.loss(logits, targets[rows].to(device))
        if share < 1:
            losses = share * losses + (1 - share) * self.objective.loss(logits, targets[partners].to(device))
        return losses

    def _mixed(self, step: int, picked: Sequence[int]) -> tuple[list[int], float]:
        """Return each sample's partner and the share that it keeps; 1 without mixup."""
        if not self.recipe.mixup:
            return list(picked), 1.0
        rng = np.random.default_rng([self.recipe.seed, step, 1])
        partners = [picked[place] for place in rng.permutation(len(picked))]
        return partners, float(rng.beta(self.recipe.mixup, self.recipe.mixup))

    def _follow(self, step: int) -> None:
        """Move the average towards the weights; early on it follows fast."""
        if self.shadow is not None:
            keep = min(self.recipe.average, (2 + step) / (11 + step))
            for name, value in learnt(self.plain).items():
                self.shadow[name] = torch.lerp(value, self.shadow[name], keep) if value.is_floating_point() else value

    def _check(self, step: int, total: float) -> None:
        if not math.isfinite(total):
            raise InputError(
                f"the loss is {total} at step {step + 1} of {self.steps} (epoch {step // self.an_epoch + 1})",
                file=os.environ.get("DVC_STAGE", "params.yaml"),
                key=self.what,
                do="lower `rate`, lengthen `warmup`, set `clip`; in bfloat16 try float32 (a new recipe starts anew)",
            )


def _save_memory(model: nn.Module) -> None:
    enable = getattr(model, "gradient_checkpointing_enable", None)
    if enable is None:
        raise InputError(
            f"{type(model).__name__} cannot compute its activations again",
            key="checkpointing",
            do="set checkpointing: false",
        )
    enable({"use_reentrant": False, "context_fn": remembered})
