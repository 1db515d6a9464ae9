"""The exchange of answers between clips of different classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def exchange(labels: Sequence[str], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return for each clip the index of a clip of a different class, a permutation wherever one exists.

    Where a class holds more than half of the clips no such permutation exists; its surplus clips then take donors
    that are drawn with replacement from the other classes.

    Args:
        labels: (N,) class of each clip, at least two different ones.
        rng: generator of the draw.

    Raises:
        ValueError: all clips are of one class.
    """
    codes = np.unique(np.asarray(labels), return_inverse=True)[1]
    if codes.max(initial=0) == 0:
        raise ValueError("clips of a single class cannot be exchanged between classes")
    donors = rng.permutation(len(codes))
    # Each round swaps the donors of clashing clips with those of clips drawn at random; a swap is kept where it mends
    # more than it breaks. A handful of rounds is enough unless a class outweighs all the others.
    for _ in range(200):
        clashing = np.flatnonzero(codes[donors] == codes)
        if not len(clashing):
            return donors
        for clip in clashing:
            other = int(rng.integers(len(codes)))
            mends = codes[donors[other]] != codes[clip] and codes[donors[clip]] != codes[other]
            if codes[donors[clip]] == codes[clip] and mends:
                donors[clip], donors[other] = donors[other], donors[clip]
    for clip in np.flatnonzero(codes[donors] == codes):
        donors[clip] = rng.choice(np.flatnonzero(codes != codes[clip]))
    return donors
