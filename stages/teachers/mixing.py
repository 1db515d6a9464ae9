"""Several teachers as one: their logits averaged, or weighted by their losses (Radevski et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.teachers.folders import ABOUT
from stages.teachers.signals import Teacher

#: mean: all alike. sample: each sample by the softmin of the teachers' losses on it; set: by that of their mean losses.
Mix = Literal["mean", "sample", "set"]
Floats = NDArray[np.floating]


class Signals(NamedTuple):
    """What the train clips' teacher says, a row a clip."""

    log_probabilities: NDArray[np.float32]
    """(N, classes of all heads): logits whose softmax, at any temperature, is the teacher's."""
    embedding: NDArray[np.float32] | None
    """(N, D)."""


def mixed(
    teachers: Sequence[Teacher],
    rows: Sequence[NDArray[np.int64]],
    wanted: NDArray[np.int64],
    sizes: Sequence[int],
    how: Mix,
    regressed: bool = True,
) -> Signals:
    """Return what teachers say together of N clips; the embedding only where all have one.

    Args:
        teachers: one or more.
        rows: of each, its row of each clip.
        wanted: (N, heads), the true classes, which weigh the teachers.
        sizes: classes of each head.
        how: they are weighed.
        regressed: the embedding is wanted.

    Raises:
        InputError: their embeddings have several widths.
    """
    said = [teacher.log_probabilities[row].astype(np.float64) for teacher, row in zip(teachers, rows, strict=True)]
    weights = weights_of(said, wanted, sizes, how)  # (teachers, N)
    together = sum(weight[:, None] * one for weight, one in zip(weights, said, strict=True))
    logits = np.concatenate([_logs(part) for part in np.split(together, np.cumsum(sizes)[:-1], axis=1)], axis=1)
    embeddings = [
        teacher.embedding[row].astype(np.float64)
        for teacher, row in zip(teachers, rows, strict=True)
        if teacher.embedding is not None and regressed
    ]
    if len(embeddings) < len(teachers):
        return Signals(logits.astype(np.float32), None)
    widths = [one.shape[1] for one in embeddings]
    if len(set(widths)) > 1:
        raise InputError(
            f"the teachers' embeddings are of {', '.join(map(str, widths))} numbers",
            file=teachers[1].folder / ABOUT,
            do="name teachers of one width, or leave `regression` out of the terms",
        )
    embedding = sum(weight[:, None] * one for weight, one in zip(weights, embeddings, strict=True))
    return Signals(logits.astype(np.float32), np.asarray(embedding, np.float32))


def weights_of(said: Sequence[Floats], wanted: NDArray[np.int64], sizes: Sequence[int], how: Mix) -> Floats:
    """Return each teacher's weight for each of N clips, (teachers, N); they add up to 1 over teachers."""
    count, clips = len(said), len(wanted)
    if how == "mean" or count == 1:
        return np.full((count, clips), 1 / count)
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    at = wanted + first  # (N, heads): columns
    losses = np.stack([-np.take_along_axis(one, at, 1).mean(1) for one in said])  # (teachers, N)
    if how == "set":
        losses = np.repeat(losses.mean(1, keepdims=True), clips, 1)
    return np.exp(_logs(-losses.T)).T


def _logs(logits: Floats) -> Floats:
    """Return (N, C) logits as log-probabilities."""
    shifted = logits - logits.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))
