"""What identifies a training run, and what of its model a checkpoint holds. Its files: `stages/checkpoint`."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from typing import Any

import torch
from torch import nn

from stages.base.journal.store import journal_key
from stages.checkpoint.state import Weights
from stages.learn.sharded import is_sharded, like

#: Raise it when the same params and data give other weights.
VERSION = 2
ROOM = "learn"


def run_key(device: torch.device, processes: int, **shapes: Any) -> str:
    """Return a run's key: everything that shapes its weights, JSON values only.

    The kind of device, the number of processes and whether they shard are among them: a run goes on only where it would
    come to the same.
    """
    libraries = {name: version(name) for name in ("torch", "torchvision", "transformers", "accelerate", "av")}
    if is_sharded():
        shapes["sharded"] = True
    return journal_key(device=device.type, processes=processes, libraries=libraries, learn=VERSION, **shapes)


def learnt(model: nn.Module) -> Weights:
    """Return copies, on the model's device, of what training changes: its parameters, and buffers beside them.

    A frozen model's weights (of a VLM under LoRA, say) are not among them. What is sharded stays so.
    """
    return {name: value.detach().clone() for name, value in _changing(model).items()}


def restore(model: nn.Module, weights: Weights) -> None:
    """Put such copies back, or whole ones."""
    with torch.no_grad():
        for name, value in _changing(model).items():
            value.copy_(like(value, weights[name]))


def _changing(model: nn.Module) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = {
        name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad
    }
    for prefix, module in model.named_modules():
        if any(parameter.requires_grad for parameter in module.parameters(recurse=False)):
            found |= {
                f"{prefix}.{name}" if prefix else name: buffer for name, buffer in module.named_buffers(recurse=False)
            }
    return found


def weights_hash(model: nn.Module) -> str:
    """Return the hash of all parameters and buffers: equal where two models compute the same."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + str(value.dtype).encode() + str(tuple(value.shape)).encode())
        flat = value.detach().cpu().contiguous().flatten()
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
