"""The work of learning from one clip, as torch counts it while it is done; what does it, and that card's peak."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

#: Dense bf16 operations a second that NVIDIA states, by a part of the card's name.
PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L40S": 362e12, "A10G": 70e12}


def counted(model: nn.Module, forward: Callable[[], Any]) -> int:
    """Return the floating-point operations of a forward and a backward pass over one clip; gradients are dropped.

    Call it before activations are computed again in the backward pass: that is no work on the clip, and while torch
    counts it keeps them all.

    Args:
        model: what `forward` runs.
        forward: gives logits of one clip.
    """
    model.train()
    with FlopCounterMode(display=False) as counter:
        forward().float().sum().backward()
    model.zero_grad(set_to_none=True)
    work: int = counter.get_total_flops()
    return work


def machine(device: str) -> str:
    """Return what computes, for the head of a table: the GPU's name, or how many threads of the CPU."""
    return str(torch.cuda.get_device_name()) if device.startswith("cuda") else f"CPU, {torch.get_num_threads()} threads"


def share(speed: float, device: str) -> float | None:
    """Return what part of the card's bf16 peak `speed`, in operations a second, is; None where that is not known."""
    peak = next((value for part, value in PEAKS.items() if part in machine(device)), None)
    return speed / peak if peak else None
