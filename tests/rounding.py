"""Whether this processor's arithmetic gives a row the same bytes alone and among others.

MKL's strict mode promises it where MKL has kernels of its own for the processor; on some others it does not hold, and
what a test says about bytes cannot be asked there. The numbers then agree to the third digit, which CI checks.
"""

from __future__ import annotations

import pytest

import stages  # noqa: F401 (asks MKL for its strict mode before torch is imported)


def _alike() -> bool:
    import torch
    from torch.nn.functional import linear

    draw = torch.Generator().manual_seed(0)
    for width in (32, 64, 128, 384, 1536):
        x, weight = (torch.randn(rows, width, generator=draw) for rows in (48, 96))
        whole = linear(x, weight)
        if any(not torch.equal(linear(x[:rows], weight), whole[:rows]) for rows in (1, 2, 3, 7, 32)):
            return False
    return True


needs_strict_rounding = pytest.mark.skipif(
    not _alike(),
    reason="this processor rounds a row otherwise alone than among others: MKL's strict mode does not hold",
)
