"""The device that a model trains and predicts on: accelerate's, with deterministic kernels where they exist."""

from __future__ import annotations

import os

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from numpy.typing import NDArray
from torch import nn

from stages.base.params import compute
from stages.learn.params import Recipe
from stages.learn.sharded import hold, plugin
from stages.learn.source import Inputs, Source


def start(recipe: Recipe) -> Accelerator:
    """Return the device to train on, with deterministic kernels where they exist, and the recipe's threads.

    Call it before a model is made or moved: it also seeds torch, for the model's random weights.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    device = compute().device
    torch.set_num_threads(recipe.threads)
    if device.startswith("cuda:"):
        torch.cuda.set_device(device)
    AcceleratorState._reset_state()  # a process that trained in one precision may go on in another
    # Without a GPU processes would not find each other, and each would train and write by itself.
    cpu = device == "cpu" or ("LOCAL_RANK" in os.environ and not torch.cuda.is_available())
    by = plugin()
    precision = "bf16" if recipe.precision == "bfloat16" else "no"
    accelerator = Accelerator(cpu=cpu, mixed_precision=precision, fsdp_plugin=by)
    hold(accelerator, by)
    torch.use_deterministic_algorithms(True, warn_only=accelerator.device.type != "cpu")
    # Nothing here reads memory that it has not written; filling it first would cost a tenth of the time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.manual_seed(recipe.seed)
    return accelerator


@torch.no_grad()
def predict(accelerator: Accelerator, model: nn.Module, source: Source, batch: int) -> NDArray[np.float32]:
    """Return the logits of all samples, (N, C), without augmentation; every process returns all of them."""
    model.to(accelerator.device).eval()
    world, rank = accelerator.num_processes, accelerator.process_index
    count = len(source)
    share = -(-count // world)
    mine = [min(place, count - 1) for place in range(rank * share, (rank + 1) * share)]
    found = []
    for first in range(0, len(mine), batch):
        with accelerator.autocast():
            found.append(logits_of(model, source.inputs(mine[first : first + batch], None, accelerator.device)).float())
    joined = torch.cat(found)
    gathered: torch.Tensor = accelerator.gather(joined) if world > 1 else joined
    return gathered[:count].cpu().numpy()


def logits_of(model: nn.Module, inputs: Inputs) -> torch.Tensor:
    """Return (B, C) of a model whose forward returns them, or an object that has `.logits`."""
    out = model(**inputs)
    logits: torch.Tensor = getattr(out, "logits", out)
    return logits
