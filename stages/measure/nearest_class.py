"""Metric `nearest_class`: the class whose description is nearest to the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.text.vectors import cosine_table


class Nearest(NamedTuple):
    """For each of N predictions the class named and its cosine."""

    labels: list[str]
    cosines: NDArray[np.float64]


def nearest_class(
    predictions: NDArray[np.float32], classes: Sequence[str], descriptions: NDArray[np.floating]
) -> Nearest:
    """Return for each prediction (N, D) the class whose description (C, D) has the highest cosine; of equals the first.

    A prediction always gets a class, however far the nearest is. It will not take a protocol's own classes into
    account: a row is a clip's, whatever protocol tests it, so all classes of the data set stand to choice, also where a
    protocol has fewer (CV1 and CV2 of Smarthome: 19 of 31). A text that names several classes gets one of them.
    """
    table = cosine_table(predictions, descriptions)  # (N, C)
    best = table.argmax(1)
    return Nearest([classes[index] for index in best], table[np.arange(len(best)), best])
