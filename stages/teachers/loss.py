"""What a student is trained for (Sun et al. 2024, section 3.3).

    lambda KL(teacher, student; tau) tau^2 + (1 - lambda) CE + w SmoothL1(beta 1)

KL and CE are means over the heads; all are means over a batch's samples (torch's batchmean), SmoothL1 also over the
embedding's numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from stages.learn.losses import Loss, Objective, loss_for
from stages.learn.measures import loss_of, quality
from stages.learn.params import Recipe
from stages.teachers.params import Distillation


def naming_heads(targets: torch.Tensor, names: Sequence[str], sizes: Sequence[int], recipe: Recipe) -> Objective:
    """Return the objective of cross-entropy alone, the mean over heads: what a text teacher's heads learn."""
    plain = Distillation(terms=["cross_entropy"], share=0.0)
    return distilling(targets, names, sizes, recipe, plain, None, None)


def distilling(
    targets: torch.Tensor,
    names: Sequence[str],
    sizes: Sequence[int],
    recipe: Recipe,
    params: Distillation,
    log_probabilities: torch.Tensor | None,
    embedding: torch.Tensor | None,
) -> Objective:
    """Return the objective of a student.

    Its model gives (B, classes of all heads), with a regression (B, classes + D), and its targets are (B, heads) int64
    classes, with one more column if there is a teacher: the row of its signals. Cross-entropy is as the recipe weighs
    classes and smooths labels.

    Args:
        targets: of the train part, by which classes are weighed.
        names: of the heads.
        sizes: classes of each head.
        recipe: of the training.
        params: which terms, and their weights.
        log_probabilities: (rows, classes of all heads), the teacher's.
        embedding: (rows, D), the teacher's.
    """
    named = [
        loss_for(targets[:, head].contiguous(), size, recipe.class_weights, recipe.smoothing)
        for head, size in enumerate(sizes)
    ]
    kept = {"log": log_probabilities, "embedding": embedding}
    each: dict[str, float] = {}
    weights = {"cross_entropy": 1 - params.share, "distillation": params.share}
    for term, weight in weights.items():
        if term in params.terms:
            labelled = [term] if len(names) == 1 else [f"{term}_{name}" for name in names]
            each |= {label: weight / len(names) for label in labelled}
    if "regression" in params.terms:
        each["regression"] = params.w

    def signals(what: str, rows: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        held = kept[what]
        assert held is not None, f"the term needs the teacher's {what}"
        held = kept[what] = held.to(like.device)  # moved once
        return held[rows].to(like.dtype)

    def loss(out: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        heads = torch.split(out[:, : sum(sizes)], list(sizes), dim=1)
        columns = []
        if "cross_entropy" in params.terms:
            columns += _cross_entropy(named, heads, wanted)
        if "distillation" in params.terms:
            said = torch.split(signals("log", wanted[:, -1], out), list(sizes), dim=1)
            columns += [divergence(teacher, student, params.tau) for teacher, student in zip(said, heads, strict=True)]
        if "regression" in params.terms:
            target = signals("embedding", wanted[:, -1], out)
            columns.append(F.smooth_l1_loss(out[:, sum(sizes) :], target, reduction="none", beta=1.0).mean(1))
        terms = torch.stack(columns, 1)
        return torch.cat([terms @ terms.new_tensor(list(each.values()))[:, None], terms], 1)

    return Objective(loss, lambda out, wanted: score(out, wanted, sizes), tuple(each))


def divergence(teacher: torch.Tensor, student: torch.Tensor, tau: float) -> torch.Tensor:
    """Return KL(teacher, student; tau) tau^2 of each of B samples, from logits (B, C) of both."""
    said, learnt = (teacher / tau).log_softmax(1), (student / tau).log_softmax(1)
    return (said.exp() * (said - learnt)).sum(1) * tau**2


def _cross_entropy(losses: Sequence[Loss], heads: Sequence[torch.Tensor], wanted: torch.Tensor) -> list[torch.Tensor]:
    return [loss(logits, wanted[:, head]) for head, (loss, logits) in enumerate(zip(losses, heads, strict=True))]


def score(out: NDArray[np.floating], wanted: NDArray[np.generic], sizes: Sequence[int]) -> tuple[float, float]:
    """Return cross-entropy, the mean over heads, and quality: mean class accuracy of one head, else of all right."""
    heads = np.split(out[:, : sum(sizes)], np.cumsum(sizes)[:-1], axis=1)
    loss = float(np.mean([loss_of(logits, wanted[:, head]) for head, logits in enumerate(heads)]))
    if len(sizes) == 1:
        return loss, quality(heads[0], wanted[:, 0])
    right = [logits.argmax(1) == wanted[:, head] for head, logits in enumerate(heads)]
    return loss, float(np.all(right, axis=0).mean())
