"""The optimiser of both phases."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR

from stages.pretrain.params import Phase


class Optimiser:
    """AdamW whose rate rises over a tenth of the steps and falls to 0 as a cosine; gradients are clipped at norm 1."""

    def __init__(self, parameters: Iterable[torch.nn.Parameter], phase: Phase) -> None:
        self._parameters = [parameter for parameter in parameters if parameter.requires_grad]
        matrices = [parameter for parameter in self._parameters if parameter.ndim > 1]
        rest = [parameter for parameter in self._parameters if parameter.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}]
        # One tensor at a time: the fused and grouped kernels sum in other orders.
        self._adam = torch.optim.AdamW(groups, lr=phase.rate, foreach=False, fused=False)
        warm = max(1, phase.steps // 10)

        def rate(step: int) -> float:
            return (
                (step + 1) / warm
                if step < warm
                else 0.5 * (1 + math.cos(math.pi * (step - warm) / (phase.steps - warm)))
            )

        self._rate = LambdaLR(self._adam, rate)

    def state_dict(self) -> dict[str, Any]:
        """Return all that the next step depends on."""
        return {"adam": self._adam.state_dict(), "rate": self._rate.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put such a state back."""
        self._adam.load_state_dict(state["adam"])
        self._rate.load_state_dict(state["rate"])

    def step(self, loss: torch.Tensor) -> None:
        """Move the weights against the gradient of a loss."""
        self._adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._adam.step()
        self._rate.step()
