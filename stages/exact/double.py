"""A model that is asked in float64 computes in float64 throughout, whatever its code rounds to single precision.

transformers rounds on the way: norms (RMSNorm), attention's softmax, rotary angles and the logits that `generate` picks
from are computed in float32, whatever the weights are, so that half precision does no harm there. In float64 it does:
another order of summing, which is another processor's, then differs in the seventh digit instead of the fifteenth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import torch
from torch.overrides import TorchFunctionMode

M = TypeVar("M")


def double(model: M) -> M:
    """Return a model whose `forward` and `generate` round nothing to float32, where its weights are float64."""
    held: Any = model
    if any(weight.dtype is torch.float64 for weight in held.parameters()):
        for name in ("forward", "generate"):
            if hasattr(held, name):
                setattr(held, name, _throughout(getattr(held, name)))
    return model


def _throughout(plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)  # `generate` looks at the arguments that `forward` takes
    def within(*arguments: Any, **named: Any) -> Any:
        with _Throughout():
            return plain(*arguments, **named)

    return within


class _Throughout(TorchFunctionMode):
    """Within it, who asks torch for float32 gets float64."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        func = torch.Tensor.double if func is torch.Tensor.float else func
        named = {name: _wide(value) for name, value in (kwargs or {}).items()}
        return func(*map(_wide, args), **named)


def _wide(value: Any) -> Any:
    return torch.float64 if value is torch.float32 else value
