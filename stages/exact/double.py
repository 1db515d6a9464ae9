"""A model that is asked in float64 computes in float64 throughout, whatever its code rounds to single precision.

transformers rounds on the way: norms (RMSNorm), attention's softmax, rotary angles and the logits that `generate` picks
from are computed in float32, whatever the weights are, so that half precision does no harm there. In float64 it does:
another order of summing, which is another processor's, then differs in the seventh digit instead of the fifteenth.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, ClassVar, TypeVar

import torch
from torch.overrides import TorchFunctionMode

M = TypeVar("M")

#: Through which of a model's methods it is asked.
_ASKED = ("forward", "generate", "get_image_features", "get_video_features")


def double(model: M) -> M:
    """Return a model that rounds nothing to float32, asked whole or below its head, where its weights are float64."""
    held: Any = model
    if any(weight.dtype is torch.float64 for weight in held.parameters()):
        for part in (held, getattr(held, "base_model", held)):
            for name in _ASKED:
                if hasattr(part, name) and name not in vars(part):  # not held already
                    setattr(part, name, _throughout(getattr(part, name)))
    return model


def _throughout(plain: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(plain)  # `generate` looks at the arguments that `forward` takes
    def within(*arguments: Any, **named: Any) -> Any:
        if _Throughout.on.get():
            return plain(*arguments, **named)
        with _Throughout():
            return plain(*arguments, **named)

    return within


class _Throughout(TorchFunctionMode):
    """Within it, who asks torch for float32 gets float64."""

    on: ClassVar[ContextVar[bool]] = ContextVar("on", default=False)
    """Whether this thread is within one already: a second one would only look at each call again."""

    def __enter__(self) -> Any:
        self._before = self.on.set(True)
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *error: Any) -> Any:
        self.on.reset(self._before)
        return super().__exit__(*error)  # type: ignore[no-untyped-call]

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        func = torch.Tensor.double if func is torch.Tensor.float else func
        named = {name: _wide(value) for name, value in (kwargs or {}).items()}
        return func(*map(_wide, args), **named)


def _wide(value: Any) -> Any:
    return torch.float64 if value is torch.float32 else value
