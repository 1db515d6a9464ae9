"""How good logits are on the validation part: what the best epoch is chosen by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def quality(logits: Floats, targets: NDArray[Any]) -> float:
    """Return mean class accuracy for targets (N,), macro-F1 at 0.5 for (N, C); classes without a clip do not count."""
    return macro_f1(logits > 0, targets > 0.5) if targets.ndim == 2 else mean_class_accuracy(logits, targets)


def mean_class_accuracy(logits: Floats, targets: NDArray[Any]) -> float:
    """Return the mean over the classes among (N,) targets of the share of their samples that (N, C) logits name."""
    right = logits.argmax(1) == targets
    return float(np.mean([right[targets == name].mean() for name in np.unique(targets)]))


def macro_f1(named: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> float:
    """Return the mean over labels of F1, both (N, C); a label that no sample has does not count."""
    hit, total = (named & wanted).sum(0), named.sum(0) + wanted.sum(0)
    counts = wanted.any(0)
    return float(np.mean(2 * hit[counts] / total[counts])) if counts.any() else 0.0


def loss_of(logits: Floats, targets: NDArray[Any]) -> float:
    """Return the unweighted mean loss: cross-entropy, or binary cross-entropy for (N, C)."""
    if targets.ndim == 2:
        wanted = targets.astype(np.float64)
        return float(np.mean(np.logaddexp(0, logits) - wanted * logits))
    top = logits.max(1, keepdims=True)
    log = logits - top - np.log(np.exp(logits - top).sum(1, keepdims=True))
    return float(-np.mean(log[np.arange(len(log)), targets.astype(np.int64)]))
