"""Losses from logits and a target tensor, one value a sample; weights come from the train part."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from stages.learn.measures import loss_of, quality

#: (B, C) logits and targets -> (B,) losses. Targets are (B,) classes, (B, C) shares of classes, or (B, C) labels.
#: An objective that has `terms` returns (B, 1 + terms): the loss, then each term of it, which is logged.
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


class Objective(NamedTuple):
    """What a model is trained for, where it is not the naming of classes."""

    loss: Loss
    """What is minimised."""
    score: Callable[[NDArray[np.floating], NDArray[np.generic]], tuple[float, float]]
    """Loss of all outputs (N, C) of the validation part, and quality, by which the best epoch is chosen."""
    terms: tuple[str, ...] = ()
    """Names of the loss's terms, where it has several."""


def naming(targets: torch.Tensor, classes: int, weighted: bool, smoothing: float = 0.0) -> Objective:
    """Return the objective of naming classes: see `loss_for`, `measures.loss_of` and `measures.quality`."""
    loss = loss_for(targets, classes, weighted, smoothing)
    return Objective(loss, lambda logits, wanted: (loss_of(logits, wanted), quality(logits, wanted)))


def loss_for(targets: torch.Tensor, classes: int, weighted: bool, smoothing: float = 0.0) -> Loss:
    """Return the loss that fits targets: cross-entropy for (N,) int64, binary cross-entropy for (N, C) float.

    Args:
        targets: of the train part, which gives the weights.
        classes: C.
        weighted: weigh classes (see `class_weights`) or positives (see `positive_weights`).
        smoothing: label smoothing, for single labels.
    """
    if targets.is_floating_point():
        positive = positive_weights(targets) if weighted else torch.ones(classes)

        def binary(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
            weight = positive.to(logits)
            return F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=weight, reduction="none").mean(1)

        return binary
    weights = class_weights(targets, classes) if weighted else torch.ones(classes)

    def cross_entropy(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        weight = weights.to(logits)
        shares = wanted if wanted.is_floating_point() else F.one_hot(wanted, classes).to(logits.dtype)
        sample = shares @ weight  # (B,): a sample's weight is its class's, also for the part that is smoothed away
        shares = shares * (1 - smoothing) + smoothing / classes
        return -(shares * logits.log_softmax(1)).sum(1) * sample

    return cross_entropy


def class_weights(targets: torch.Tensor, classes: int) -> torch.Tensor:
    """Return each class's weight (C,): inverse to its share of (N,) targets, mean 1 over samples; 0 where absent."""
    counts = torch.bincount(targets, minlength=classes).float()
    present = counts > 0
    weights = torch.zeros(classes)
    weights[present] = counts.sum() / (present.sum() * counts[present])
    return weights


def positive_weights(targets: torch.Tensor) -> torch.Tensor:
    """Return each label's weight of a positive (C,): negatives / positives of (N, C) targets; 1 where it never holds.

    So a label's positives weigh together as much as its negatives (torch's `pos_weight`).
    """
    positives = targets.sum(0)
    return torch.where(positives > 0, (len(targets) - positives) / positives.clamp(min=1), torch.ones(()))
