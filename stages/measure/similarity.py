"""Metric `similarity`: cosine of the sentence embeddings of prediction and reference caption."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stages.text.vectors import cosines


def similarity(predictions: NDArray[np.float32], references: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the cosine of each prediction (N, D) with its reference (N, D); (N,), in -1 to 1.

    "Vision Language Models for Dynamic Human Activity Recognition in Healthcare Settings", section 4.1, with
    all-MiniLM-L6-v2. It will not tell whether the activity is right: texts about the same room and person are near
    whatever is done there, and what lies beyond the encoder's longest input (256 word pieces) is not seen.
    """
    return cosines(predictions, references)
