"""Linear layers that give a row the same bytes whatever rows stand beside it, also where MKL leaves this out.

MKL's strict mode (see `stages/__init__.py`) promises it. On processors of AMD a product of one to three rows takes
another kernel all the same and rounds otherwise than the same rows within a larger product; from four rows on they are
alike. So fewer rows are filled up to four there.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any, TypeVar

_ENOUGH = 4
M = TypeVar("M")


def steady(model: M, device: str) -> M:
    """Return a model with its linear layers held to at least four rows, where `device` is a CPU that needs that."""
    from torch import nn

    if device == "cpu" and few_rows_differ():
        layers: Any = model
        for layer in layers.modules():
            if isinstance(layer, nn.Linear) and "forward" not in vars(layer):  # not held already
                layer.forward = partial(_filled, layer.forward)  # type: ignore[method-assign]
    return model


@cache
def few_rows_differ() -> bool:
    """Return whether this processor rounds few rows alone otherwise than among others."""
    import torch
    from torch.nn.functional import linear

    draw = torch.Generator().manual_seed(0)
    for width in (32, 64, 128, 384, 1536):
        x, weight = (torch.randn(rows, width, generator=draw) for rows in (48, 96))
        whole = linear(x, weight)
        if any(not torch.equal(linear(x[:rows], weight), whole[:rows]) for rows in range(1, _ENOUGH)):
            return True
    return False


def _filled(plain: Any, x: Any) -> Any:
    """Apply a linear layer to x (..., D) with rows of zeros beside it where it has fewer than four."""
    rows = x.shape[:-1].numel()
    if rows >= _ENOUGH or rows == 0:
        return plain(x)
    flat = x.reshape(rows, x.shape[-1])
    full = flat.new_zeros(_ENOUGH, x.shape[-1])
    full[:rows] = flat
    return plain(full)[:rows].reshape(*x.shape[:-1], -1)
