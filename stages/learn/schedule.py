"""The optimiser's groups of weights, and its rate at each step."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from stages.learn.params import Recipe

#: Where a model's head is, by the beginning of its parameters' names.
HEADS = ("classifier.", "head.", "fc.", "heads.")
#: A layer, by the beginning of its parameters' names; what comes before the first is the layer below it.
_LAYER = re.compile(r"^(.*?(?:layers?|blocks|features)\.\d+(?:\.\d+)?)\.")


def groups(model: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Return the optimiser's groups: weight decay for matrices only, `factor` of the rate by layer and for the head."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    depth = _depths([name for name, _ in named])
    top = max(depth.values(), default=0)
    found: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in named:
        decays = parameter.ndim > 1 and "position_embeddings" not in name and "token" not in name.rpartition(".")[2]
        factor = recipe.layer_decay ** (top - depth[name]) * (recipe.head_factor if name.startswith(HEADS) else 1.0)
        found.setdefault((factor, recipe.weight_decay * decays), []).append(parameter)
    return [
        {"params": parameters, "weight_decay": decay, "factor": factor} for (factor, decay), parameters in found.items()
    ]


def _depths(names: Iterable[str]) -> dict[str, int]:
    """Return each parameter's layer: 0 below the first, one more than the last for the head and what lies beside it."""
    layers: dict[str, int] = {}
    depth = {}
    for name in names:
        found = _LAYER.match(name)
        if found:
            depth[name] = layers.setdefault(found[1], len(layers) + 1)
        else:
            depth[name] = 0 if not layers and not name.startswith(HEADS) else -1
    return {name: len(layers) + 1 if place < 0 else place for name, place in depth.items()}


def optimiser(model: nn.Module, recipe: Recipe, device: torch.device) -> torch.optim.Optimizer:
    """Return the optimiser; on a CPU a tensor at a time, as the grouped kernels sum in other orders."""
    grouped = device.type != "cpu"
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups(model, recipe), lr=recipe.rate, momentum=0.9, foreach=grouped, fused=False)
    return torch.optim.AdamW(groups(model, recipe), lr=recipe.rate, foreach=grouped, fused=False)


def rate(recipe: Recipe, step: int, steps: int, an_epoch: int) -> float:
    """Return the learning rate of step 0 to `steps` - 1: a linear rise over the warm-up, then the decay."""
    warm = min(round(recipe.warmup * an_epoch), steps - 1)
    if step < warm:
        return recipe.rate * (step + 1) / (warm + 1)
    if recipe.decay == "steps":
        passed = sum(step >= round(epoch * an_epoch) for epoch in recipe.milestones)
        return float(recipe.rate * 0.1**passed)
    share = (step - warm) / (steps - warm)
    if recipe.decay == "linear":
        return recipe.rate * (1 - share)
    if recipe.decay == "cosine":
        return recipe.rate * 0.5 * (1 + math.cos(math.pi * share))
    return recipe.rate
