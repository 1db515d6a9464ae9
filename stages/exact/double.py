"""A model that is asked in float64 computes in float64 throughout, whatever its code rounds to single precision.

transformers rounds on the way: norms (RMSNorm), attention's softmax, rotary angles and the logits that `generate` picks
from are computed in float32, whatever the weights are, so that half precision does no harm there. In float64 it does:
another order of summing, which is another processor's, then differs in the seventh digit instead of the fifteenth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

import torch
from torch.overrides import TorchFunctionMode

M = TypeVar("M")

#: Through which of a model's methods it is asked.
_ASKED = ("forward", "generate", "get_image_features", "get_video_features")
#: What takes a format for what bytes are, and computes nothing.
_OF_BYTES = {torch.frombuffer, torch.Tensor.view}

#: Whether this thread is within a held model already: a second mode would only look at each call again.
_within: ContextVar[bool] = ContextVar("within", default=False)


def double(model: M) -> M:
    """Return a model that rounds nothing to float32, asked whole or below its head, where its weights are float64."""
    held: Any = model
    if any(weight.dtype is torch.float64 for weight in held.parameters()):
        for part in {held, getattr(held, "base_model", held)}:
            for name in _ASKED:
                if hasattr(part, name):
                    setattr(part, name, _throughout()(getattr(part, name)))
    return model


@contextmanager
def _throughout() -> Iterator[None]:
    """Round nothing to float32 within, or in what it decorates; it may stand within itself, as a model's parts do."""
    if _within.get():
        yield
        return
    before = _within.set(True)
    try:
        with _Wide():
            yield
    finally:
        _within.reset(before)


class _Wide(TorchFunctionMode):
    """Within it, who asks torch for float32 gets float64; who reads bytes as float32 gets what they are."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in _OF_BYTES:
            return func(*args, **(kwargs or {}))
        func = torch.Tensor.double if func is torch.Tensor.float else func
        named = {name: _wide(value) for name, value in (kwargs or {}).items()}
        return func(*map(_wide, args), **named)


def _wide(value: Any) -> Any:
    return torch.float64 if value is torch.float32 else value
