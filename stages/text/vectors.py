"""What embeddings say about classes: pure functions of numpy arrays.

Sums run through `einsum`, which adds up each element by itself: a matrix product rounds differently with the number of
rows, and a value would then depend on how many other clips there are.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def cosines(left: NDArray[np.floating], right: NDArray[np.floating]) -> Floats:
    """Return the cosine of each row of `left` (N, D) with the same row of `right` (N, D); (N,)."""
    found: Floats = np.einsum("nd,nd->n", _unit(left), _unit(right))
    return found


def cosine_table(left: NDArray[np.floating], right: NDArray[np.floating]) -> Floats:
    """Return the cosine of each row of `left` (N, D) with each of `right` (C, D); (N, C)."""
    found: Floats = np.einsum("nd,cd->nc", _unit(left), _unit(right))
    return found


def class_means(vectors: NDArray[np.floating], labels: Sequence[str]) -> tuple[list[str], Floats]:
    """Return the classes among `labels` (N,), sorted, and the mean of the unit vectors (N, D) of each; (C, D)."""
    classes, codes = np.unique(np.asarray(labels), return_inverse=True)
    unit = _unit(vectors)
    return [str(name) for name in classes], np.stack([unit[codes == code].mean(0) for code in range(len(classes))])


def as_constants(vectors: NDArray[np.floating], labels: Sequence[str]) -> Floats:
    """Return how well each caption does when it is given for every clip, (N,): the mean over classes of its cosines.

    The cosine to a mean of unit vectors is a mean of cosines, so one pass over the captions of a class is enough.

    Args:
        vectors: (N, D) embeddings of the train part's captions; each of them is a candidate.
        labels: (N,) their classes.

    Raises:
        ValueError: there is no caption.
    """
    if not len(vectors):
        raise ValueError("no captions to choose from")
    overall = class_means(vectors, labels)[1].mean(0)
    found: Floats = np.einsum("nd,d->n", _unit(vectors), overall)
    return found


def _unit(vectors: NDArray[np.floating]) -> Floats:
    wide = vectors.astype(np.float64)
    unit: Floats = wide / np.sqrt(np.einsum("nd,nd->n", wide, wide))[:, None]
    return unit
