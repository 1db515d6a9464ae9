"""A head beside a model's own, which training needs and use does not: it comes and goes without a trace.

It is a part of the model itself, called `heads.beside`, so that optimiser, checkpoints and averages treat it as a head.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def width_of(model: nn.Module) -> int:
    """Return the width of what a model's own head sees."""
    return int(_own(model).in_features)


def attach(model: Any, head: nn.Module) -> None:
    """Let a model's forward return (B, C + K): its logits, and what `head` makes of the vectors its own head sees."""
    seen: list[torch.Tensor] = []

    def keep(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
        seen[:] = given[:1]

    def join(module: Any, _: Any, out: Any) -> torch.Tensor:
        logits = getattr(out, "logits", out)
        return torch.cat([logits, module.heads["beside"](seen.pop())], 1)

    model.heads = nn.ModuleDict({"beside": head})
    model._beside = [_own(model).register_forward_pre_hook(keep), model.register_forward_hook(join)]


def detach(model: Any) -> None:
    """Make a model again what it was before `attach`; its own weights stay as they are now."""
    for hook in model._beside:
        hook.remove()
    del model._beside, model.heads


def _own(model: nn.Module) -> nn.Linear:
    found = getattr(model, "classifier", None) or getattr(model, "head", None)
    assert isinstance(found, nn.Linear), f"{type(model).__name__} has no linear head"
    return found
