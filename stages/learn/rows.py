"""Logits to rows of table PREDICTIONS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.learn.data import Clip

#: A label is named where its probability exceeds this; other thresholds are the scoring's business.
NAMED = 0.5


def probabilities(logits: NDArray[np.floating], many: bool) -> NDArray[np.float64]:
    """Return class scores of (N, C) logits: sigmoid for several labels, else softmax, rounded to 6 digits.

    Rounded, because the last bits are the processor's.
    """
    exact = logits.astype(np.float64)
    if many:
        return np.round(1 / (1 + np.exp(-exact)), 6)
    powers = np.exp(exact - exact.max(1, keepdims=True))
    return np.asarray(np.round(powers / powers.sum(1, keepdims=True), 6))


def prediction_rows(
    method: str,
    clips: Sequence[Clip],
    scores: NDArray[np.float64],
    classes: Sequence[str],
    many: bool,
    revision: str,
    key: str,
) -> Iterator[dict[str, Any]]:
    """Yield a row of PREDICTIONS a clip, of status ok.

    `labels` is the class of the highest score (of equal ones the first), with several labels all whose score exceeds
    `NAMED`. Give test clips only: what a model learnt from is never scored as test.

    Args:
        method: its name, `<model>_<protocol>`.
        clips: N clips.
        scores: (N, C), as `probabilities` gives them.
        classes: C names, in the scores' order.
        many: a clip may have several labels, or none.
        revision: hash of the weights.
        key: of the training run, which is what the row comes from.
    """
    for clip, row in zip(clips, scores, strict=True):
        named = (
            [classes[index] for index in np.flatnonzero(row > NAMED).tolist()] if many else [classes[int(row.argmax())]]
        )
        yield {
            "clip_id": clip.clip_id,
            "method": method,
            "repeat": 0,
            "labels": sorted(named),
            "classes": list(classes),
            "class_scores": row.tolist(),
            "status": "ok",
            "revision": revision,
            "journal_key": key,
        }
