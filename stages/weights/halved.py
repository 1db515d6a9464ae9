"""Weights as they travel: matrices in half precision, of which whoever uses them takes the values."""

from __future__ import annotations

import torch


def half(value: torch.Tensor) -> torch.Tensor:
    """Return a matrix of numbers as float16; vectors (biases, norms and their statistics) and integers as they are.

    A vector is small, and a variance may be too small for half precision.
    """
    return value.to(torch.float16) if value.is_floating_point() and value.ndim > 1 else value


@torch.no_grad()
def round_to_half(model: torch.nn.Module) -> None:
    """Bring a model's weights to the values that they will have when they are loaded again."""
    for value in model.state_dict().values():
        value.copy_(half(value))
