"""Batch norms of several processes as of one: the statistics of a step's piece, whoever holds its samples.

torch's SyncBatchNorm does so on GPUs only. Without it two processes normalise by halves of a batch, keep other running
statistics, and train another model than one does.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import nn


class TogetherNorm:
    """Batch norms of a model that learn, joined over processes; those in eval mode are left as they are."""

    def __init__(self, model: nn.Module) -> None:
        """Join the batch norms of a model, in each process the same."""
        self.counts = True
        """This process's rows are samples of the step; else they only fill up."""
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.forward = partial(self._normed, module, module.forward)  # type: ignore[method-assign]

    def _normed(self, norm: Any, plain: Any, maps: torch.Tensor) -> torch.Tensor:
        """Return maps (B, C, ...) normalised by mean and variance over all processes, with their gradients."""
        if not norm.training:
            return plain(maps)  # type: ignore[no-any-return]
        values, dims = maps.float(), [0, *range(2, maps.ndim)]
        shape = [1, -1] + [1] * (maps.ndim - 2)
        share = float(self.counts)
        held = _summed(values.new_tensor(share * maps.numel() / maps.shape[1]))
        count = held.clamp(min=1)
        mean = _summed(values.sum(dims) * share) / count
        centred = values - mean.view(shape)
        variance = _summed(centred.square().sum(dims) * share) / count
        if held > 0:  # nobody has a sample of a piece that is left over
            _follow(norm, mean.detach(), variance.detach() * count / (count - 1).clamp(min=1))
        out = centred * (variance + norm.eps).rsqrt().view(shape)
        if norm.affine:
            out = out * norm.weight.view(shape) + norm.bias.view(shape)
        normed: torch.Tensor = out.to(maps.dtype)
        return normed


def _summed(value: torch.Tensor) -> torch.Tensor:
    """Return the sum of a value over all processes, through which gradients flow back to each."""
    from torch.distributed.nn.functional import all_reduce  # one process need not load it

    out: torch.Tensor = all_reduce(value)  # type: ignore[no-untyped-call]
    return out


@torch.no_grad()
def _follow(norm: Any, mean: torch.Tensor, variance: torch.Tensor) -> None:
    """Move the running statistics as torch does."""
    if not norm.track_running_stats:
        return
    norm.num_batches_tracked += 1
    factor = 1 / float(norm.num_batches_tracked) if norm.momentum is None else norm.momentum
    norm.running_mean.lerp_(mean.to(norm.running_mean.dtype), factor)
    norm.running_var.lerp_(variance.to(norm.running_var.dtype), factor)
