"""Dropout of a step that follows from the seed, the step and the sample: whatever batch, piece or process holds it.

torch draws one mask for a whole batch from one generator, so that a sample's mask depends on what lies before it, and
two processes train another model than one. Here the n-th draw of a forward pass is hashed for each sample by itself,
element by element, in whole numbers: the same on every processor, on a CPU and on a GPU. What draws is caught where
it is called, so that models need no change: dropout, stochastic depth, attention that drops out.

Not caught, and drawn by torch from a seed of the step's piece: alpha dropout, dropout within
`nn.MultiheadAttention`, and draws whose first dimension is not a multiple of the samples.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

#: Odd factors of the hash, as signed 32-bit integers: the golden ratio's, and murmur3's.
_GOLDEN, _FIRST, _SECOND = -1640531535, -2048144789, -1028477387
#: Elements that are drawn at a time on a CPU: what its second cache holds.
_CACHED = 1 << 15
#: Draws within `of_rows` are counted from here, so that they are none of those outside.
_INNER = 1 << 20
_WHOLE = {F.dropout, torch.dropout}
_CHANNELS = {F.dropout1d, F.dropout2d, F.dropout3d}
_ATTENTION = F.scaled_dot_product_attention


class _Active(threading.local):
    draw: Draw | None = None


_ACTIVE = _Active()


class Draw(TorchFunctionMode):
    """What is drawn at random within this context is drawn for each of B samples by itself."""

    def __init__(self, seed: int, step: int, samples: Sequence[int], device: torch.device) -> None:
        """Bind the samples, by their numbers in the train part, in the order of a batch's rows."""
        super().__init__()
        first, second = (int(word) for word in np.random.SeedSequence([seed, step, 2]).generate_state(2).view(np.int32))
        numbers = torch.tensor(list(samples), dtype=torch.int32, device=device)
        self.keys = torch.stack([_mixed(numbers * _GOLDEN + first), _mixed(numbers * _FIRST + second)])  # (2, B)
        self.count = self._from = 0

    def rows(self, places: torch.Tensor | None, first: int) -> Draw:
        """Return a context for some of the samples, all for None, whose draws are counted from `first`."""
        part = Draw.__new__(Draw)
        TorchFunctionMode.__init__(part)
        part.keys = self.keys if places is None else self.keys[:, places]
        part.count = part._from = first
        return part

    def __enter__(self) -> Draw:
        self.count = self._from  # entered again, it draws the same
        self._outer, _ACTIVE.draw = _ACTIVE.draw, self
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        _ACTIVE.draw = self._outer

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Draw here what `func` would draw; anything else runs as it is."""
        named = kwargs or {}
        if func in _WHOLE or func in _CHANNELS:
            return self._dropout(func, *args, **named)
        if func is _ATTENTION and _dropout_p(args, named) > 0:
            return self._attention(*args, **named)
        if func is torch.Tensor.bernoulli_ and self._holds(args[0].shape):
            share = args[1] if len(args) > 1 else named.get("p", 0.5)
            if isinstance(share, float | int):
                return args[0].copy_(self._kept(args[0].shape, 1 - share))
        if func is torch.rand and named.get("generator") is None:
            shape = args[0] if args and not isinstance(args[0], int) else args
            if self._holds(shape):
                plain = {name: named[name] for name in ("dtype", "device") if name in named}
                return torch.empty(shape, **plain).copy_(self._uniform(shape))
        return func(*args, **named)

    def _holds(self, shape: Sequence[int]) -> bool:
        return len(shape) > 0 and shape[0] > 0 and shape[0] % self.keys.shape[1] == 0

    def _dropout(
        self, func: Callable[..., Any], input: Any, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Any:
        if p == 0 or not training or not self._holds(input.shape):
            return func(input, p, training, inplace) if func is not torch.dropout else func(input, p, training)
        shape = input.shape if func in _WHOLE else input.shape[:2] + (1,) * (input.ndim - 2)
        keep = self._kept(shape, p)
        if func in _WHOLE and not input.is_contiguous():
            keep = torch.empty_like(input, dtype=torch.bool).copy_(keep)  # in its order of memory, or it would change
        scale = 1 / (1 - p) if p < 1 else 0.0
        return input.mul_(keep).mul_(scale) if inplace else input * keep * scale

    def _attention(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        scale: float | None = None,
        enable_gqa: bool = False,
    ) -> torch.Tensor:
        """Compute attention (B, heads, L, S) step by step, as torch documents it: its kernels draw by themselves."""
        if enable_gqa:
            key, value = (one.repeat_interleave(query.shape[-3] // one.shape[-3], -3) for one in (key, value))
        weights = query @ key.mT * (scale if scale is not None else 1 / math.sqrt(query.shape[-1]))
        if is_causal:
            attn_mask = torch.ones(weights.shape[-2:], dtype=torch.bool, device=weights.device).tril()
        if attn_mask is not None and attn_mask.dtype == torch.bool:
            weights = weights.masked_fill(~attn_mask, -math.inf)
        elif attn_mask is not None:
            weights = weights + attn_mask
        dropped: torch.Tensor = self._dropout(F.dropout, weights.softmax(-1), dropout_p)
        return dropped @ value

    def _kept(self, shape: Sequence[int], p: float) -> torch.Tensor:
        """Return which elements are kept, bool, where each falls out with probability p."""
        least = min(round(p * 2**32), 2**32 - 1) - 2**31
        return self._each(shape, torch.bool, lambda drawn: drawn >= least)

    def _uniform(self, shape: Sequence[int]) -> torch.Tensor:
        """Return float32 from 0 to below 1."""
        return self._each(shape, torch.float32, lambda drawn: ((drawn >> 8) & 0xFFFFFF).float() * 2.0**-24)

    def _each(
        self, shape: Sequence[int], dtype: torch.dtype, made: Callable[[torch.Tensor], torch.Tensor]
    ) -> torch.Tensor:
        """Return what is `made` of 32 random bits an element; the elements of a sample lie side by side."""
        rows, device = self.keys.shape[1], self.keys.device
        count = math.prod(shape) // rows
        base = torch.arange(count, dtype=torch.int32, device=device).mul_(_GOLDEN)
        number = torch.tensor(self.count, dtype=torch.int32, device=device) * _GOLDEN
        first, second = (_mixed(key + number) for key in self.keys)
        self.count += 1
        if device.type != "cpu":
            return made(_drawn(base, first[:, None], second[:, None])).to(dtype).view(*shape)
        out = torch.empty(rows, count, dtype=dtype)
        part = max(1, _CACHED // count)
        for row in range(0, rows, part):
            some = slice(row, row + part)
            out[some] = made(_drawn(base, first[some, None], second[some, None]))
        return out.view(*shape)


def _dropout_p(args: tuple[Any, ...], named: dict[str, Any]) -> float:
    return float(args[4] if len(args) > 4 else named.get("dropout_p", 0.0))


def _mixed(bits: torch.Tensor) -> torch.Tensor:
    """Return int32 whose every bit depends on every bit of the given ones (murmur3's finaliser)."""
    return _drawn(bits, 0, 0)


def _drawn(bits: torch.Tensor, first: Any, second: Any) -> torch.Tensor:
    """Return 32 random bits for each of `bits`, under two keys."""
    bits = bits + first
    bits ^= (bits >> 16) & 0xFFFF  # torch shifts by the sign
    bits *= _FIRST
    bits ^= second
    bits ^= (bits >> 13) & 0x7FFFF
    bits *= _SECOND
    bits ^= (bits >> 16) & 0xFFFF
    return bits


@contextmanager
def of_rows(places: torch.Tensor) -> Iterator[None]:
    """Compute some of a batch's samples by themselves, those at `places` (n,); they draw the same in any such part."""
    outer = _ACTIVE.draw
    if outer is None:
        yield
        return
    with outer.rows(places, _INNER):
        yield


def remembered() -> tuple[AbstractContextManager[Any], AbstractContextManager[Any]]:
    """Return contexts of a forward pass and of its repetition in the backward pass, which draws the same.

    For `torch.utils.checkpoint.checkpoint(context_fn=remembered)`.
    """
    active = _ACTIVE.draw
    return nullcontext(), nullcontext() if active is None else active.rows(None, active.count)
