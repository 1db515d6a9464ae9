"""A tiny net and its optimisers in numpy, float64, written from the papers and from torch's documentation.

Nothing here calls what it checks: neither torch's autograd and optimisers, nor of `stages.learn` more than the params.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stages.learn.params import Recipe

Floats = NDArray[np.float64]
Weights = dict[str, Floats]

WIDTH = 6
#: Each weight's place for layer decay: below the first layer, a layer, or above the last.
DEPTH = {"position_embeddings": 0, "layers.0": 1, "layers.1": 2, "norm": 3, "head": 3}


class Tiny(nn.Module):
    """Two layers, a norm's weights, a table of positions and a head: a weight of each kind that recipes tell apart."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.position_embeddings = nn.Parameter(torch.randn(1, WIDTH) * 0.5)
        self.layers = nn.ModuleList([nn.Linear(4, WIDTH), nn.Linear(WIDTH, WIDTH)])
        self.norm = nn.LayerNorm(WIDTH, elementwise_affine=True)
        self.head = nn.Linear(WIDTH, outputs)

    def forward(self, points: torch.Tensor) -> torch.Tensor:
        """Return (B, outputs) of points (B, 4); the norm only scales and shifts."""
        hidden = torch.tanh(self.layers[0](points) + self.position_embeddings)
        hidden = torch.tanh(self.layers[1](hidden)) * self.norm.weight + self.norm.bias
        return self.head(hidden)

    def gradient_checkpointing_enable(self, options: Any) -> None:
        """Do nothing: it has no activations to spare."""


def weights_of(net: nn.Module) -> Weights:
    """Return copies of a net's weights."""
    return {name: value.detach().double().numpy().copy() for name, value in net.named_parameters()}


def gradients_of(net: nn.Module) -> Weights:
    """Return copies of a net's gradients as torch left them."""
    return {name: value.grad.double().numpy().copy() for name, value in net.named_parameters()}


def outputs(weights: Weights, points: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what `Tiny` gives, (B, outputs), and the two layers' activations."""
    first = np.tanh(points @ weights["layers.0.weight"].T + weights["layers.0.bias"] + weights["position_embeddings"])
    second = np.tanh(first @ weights["layers.1.weight"].T + weights["layers.1.bias"])
    last = second * weights["norm.weight"] + weights["norm.bias"]
    return last @ weights["head.weight"].T + weights["head.bias"], first, second


def gradients(weights: Weights, points: Floats, of_outputs: Floats) -> Weights:
    """Return the gradient of a loss whose gradient by the outputs (B, outputs) is given: the chain rule by hand."""
    _, first, second = outputs(weights, points)
    last = second * weights["norm.weight"] + weights["norm.bias"]
    of_last = of_outputs @ weights["head.weight"]
    of_second = of_last * weights["norm.weight"] * (1 - second**2)
    of_first = of_second @ weights["layers.1.weight"] * (1 - first**2)
    return {
        "position_embeddings": of_first.sum(0, keepdims=True),
        "layers.0.weight": of_first.T @ points,
        "layers.0.bias": of_first.sum(0),
        "layers.1.weight": of_second.T @ first,
        "layers.1.bias": of_second.sum(0),
        "norm.weight": (of_last * second).sum(0),
        "norm.bias": of_last.sum(0),
        "head.weight": of_outputs.T @ last,
        "head.bias": of_outputs.sum(0),
    }


def naming_loss(logits: Floats, rows: Any, recipe: Recipe, train: Any) -> tuple[Floats, Floats]:
    """Return the losses (B,) of naming classes, and their gradient by the logits (B, C).

    Args:
        logits: (B, C).
        rows: (B,) classes, or (B, C) labels of 1 and 0.
        recipe: its smoothing and weights.
        train: targets of all N train samples, from which the weights follow.
    """
    classes = logits.shape[1]
    if rows.ndim == 2:
        positives = train.sum(0)
        weight = np.where(positives > 0, (len(train) - positives) / np.maximum(positives, 1), 1.0)
        weight = weight if recipe.class_weights else np.ones(classes)
        yes, no = 1 / (1 + np.exp(-logits)), 1 / (1 + np.exp(logits))
        losses = -(weight * rows * np.log(yes) + (1 - rows) * np.log(no)).mean(1)
        return losses, ((1 - rows) * yes - weight * rows * no) / classes
    counts = np.array([(train == name).sum() for name in range(classes)])
    weight = np.array([len(train) / ((counts > 0).sum() * count) if count else 0.0 for count in counts])
    of_sample = weight[rows] if recipe.class_weights else np.ones(len(rows))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    wanted = np.eye(classes)[rows] * (1 - recipe.smoothing) + recipe.smoothing / classes
    return -of_sample * (wanted * np.log(shares)).sum(1), of_sample[:, None] * (shares - wanted)


def rate_of(recipe: Recipe, step: int, an_epoch: int) -> float:
    """Return the learning rate of a step, from 0: as `Recipe` documents warm-up and decay."""
    steps = recipe.epochs * an_epoch
    rising = min(round(recipe.warmup * an_epoch), steps - 1)
    if step < rising:  # the first step is one part of the way up already, the step after the last is at the top
        return recipe.rate * (step + 1) / (rising + 1)
    left = 1 - (step - rising) / (steps - rising)
    if recipe.decay == "steps":
        return recipe.rate / 10 ** sum(epoch * an_epoch <= step for epoch in recipe.milestones)
    falls = {"linear": left, "cosine": (1 - math.cos(math.pi * left)) / 2, "constant": 1.0}
    return recipe.rate * falls[recipe.decay]


def factor_of(recipe: Recipe, name: str) -> float:
    """Return the factor of a weight's rate: layer decay (Bao et al. 2021, BEiT) and the head's."""
    part = next(part for part in DEPTH if name.startswith(part))
    return recipe.layer_decay ** (max(DEPTH.values()) - DEPTH[part]) * (recipe.head_factor if part == "head" else 1)


def decays(name: str) -> bool:
    """Return whether weight decay holds for a weight: for matrices that are multiplied, and for nothing else."""
    return name.endswith(".weight") and not name.startswith("norm")


def clipped(found: Weights, most: float | None) -> Weights:
    """Return gradients scaled so that their norm together is at most `most`."""
    norm = math.sqrt(sum(float((value**2).sum()) for value in found.values()))
    scale = 1.0 if most is None or norm <= most else most / norm
    return {name: value * scale for name, value in found.items()}


class Moments:
    """AdamW (Loshchilov and Hutter 2019, algorithm 2), or SGD with momentum (Sutskever et al. 2013, torch's form)."""

    def __init__(self) -> None:
        self.first: Weights = {}
        self.second: Weights = {}
        self.steps = 0

    def adamw(
        self, weights: Weights, found: Weights, rate: Callable[[str], float], decay: Callable[[str], float]
    ) -> None:
        """Move weights by their gradients, decay apart from them."""
        self.steps += 1
        for name, gradient in found.items():
            first = 0.9 * self.first.get(name, 0) + 0.1 * gradient
            second = 0.999 * self.second.get(name, 0) + 0.001 * gradient**2
            self.first[name], self.second[name] = first, second
            upwards = first / (1 - 0.9**self.steps) / (np.sqrt(second / (1 - 0.999**self.steps)) + 1e-8)
            weights[name] = weights[name] - rate(name) * (upwards + decay(name) * weights[name])

    def sgd(
        self, weights: Weights, found: Weights, rate: Callable[[str], float], decay: Callable[[str], float]
    ) -> None:
        """Move weights by their gradients, in which decay is a part of the loss."""
        for name, gradient in found.items():
            self.first[name] = 0.9 * self.first.get(name, 0) + gradient + decay(name) * weights[name]
            weights[name] = weights[name] - rate(name) * self.first[name]


class Training:
    """`Tiny` under a recipe."""

    def __init__(self, net: nn.Module, points: Any, targets: Any, recipe: Recipe, spoken: bool) -> None:
        """Start from a net's weights; `spoken`: its output is the loss itself, as of learning captions."""
        self.weights = weights_of(net)
        self.average = {name: value.copy() for name, value in self.weights.items()}
        self.points, self.targets, self.recipe, self.spoken = points, targets, recipe, spoken
        self.moments, self.an_epoch = Moments(), -(-len(points) // recipe.batch)

    def step(self, number: int) -> tuple[float, Weights]:
        """Take a step; return the sum of its losses, and its gradient as it was clipped."""
        recipe, (epoch, place) = self.recipe, divmod(number, self.an_epoch)
        order = np.random.default_rng([recipe.seed, epoch]).permutation(len(self.points))
        rows = order[place * recipe.batch : (place + 1) * recipe.batch]
        others, share = rows, 1.0
        if recipe.mixup:
            rng = np.random.default_rng([recipe.seed, number, 1])
            others, share = rows[rng.permutation(len(rows))], rng.beta(recipe.mixup, recipe.mixup)
        seen = share * self.points[rows] + (1 - share) * self.points[others]
        logits = outputs(self.weights, seen)[0]
        losses, of_outputs = self._loss(logits, rows)
        if recipe.mixup:
            more, of_more = self._loss(logits, others)
            losses, of_outputs = share * losses + (1 - share) * more, share * of_outputs + (1 - share) * of_more
        found = clipped(gradients(self.weights, seen, of_outputs / len(rows)), recipe.clip)
        move = self.moments.sgd if recipe.optimiser == "sgd" else self.moments.adamw
        move(
            self.weights,
            found,
            lambda name: rate_of(recipe, number, self.an_epoch) * factor_of(recipe, name),
            lambda name: recipe.weight_decay * decays(name),
        )
        keep = min(recipe.average, (2 + number) / (11 + number))
        self.average = {name: keep * old + (1 - keep) * self.weights[name] for name, old in self.average.items()}
        return float(losses.sum()), found

    def _loss(self, logits: Floats, rows: Sequence[int]) -> tuple[Floats, Floats]:
        if self.spoken:
            return logits[:, 0], np.ones_like(logits)
        return naming_loss(logits, self.targets[rows], self.recipe, self.targets)
