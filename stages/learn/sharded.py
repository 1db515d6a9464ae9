"""Training whose model no card can hold: each process has its part of the weights, gradients and moments (FSDP2).

`accelerate launch --use_fsdp --fsdp_version 2 ...` asks for it, and accelerate's plugin does it (Zhao et al. 2023,
"PyTorch FSDP"). A weight is a DTensor then, of which a process holds some rows; a layer's weights are whole only while
it computes. What is saved is whole, as one process has it. Each process has to do everything here together with the
others: one that does not stops them all.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from accelerate import Accelerator, DistributedType, FullyShardedDataParallelPlugin, PartialState
from torch import nn
from torch.utils import _pytree as trees

from stages.base.errors import InputError

M = TypeVar("M", bound=nn.Module)


def is_sharded() -> bool:
    """Return whether the launcher asks for it."""
    return "LOCAL_RANK" in os.environ and os.environ.get("ACCELERATE_USE_FSDP", "").lower() == "true"


def plugin() -> FullyShardedDataParallelPlugin | None:
    """Return what accelerate shards by, as the launcher's further arguments say; None where it is not asked for.

    Raises:
        InputError: the launcher asks for the first FSDP.
    """
    if not is_sharded():
        return None
    if os.environ.get("FSDP_VERSION") != "2":
        do = "add --fsdp_version 2 to the launcher"
        raise InputError("only the second FSDP shards here", file="compute.yaml", key="launch", do=do)
    from torch.distributed.fsdp import MixedPrecisionPolicy

    return FullyShardedDataParallelPlugin(
        fsdp_version=2,
        mixed_precision_policy=MixedPrecisionPolicy(),  # weights keep their type, and autocast does the rest
        activation_checkpointing=False,  # as the recipe says
        cpu_ram_efficient_loading=False,  # each process loads the weights: what follows from them is the same for all
        auto_wrap_policy="NO_WRAP",  # see `shard`
    )


def hold(accelerator: Accelerator, by: FullyShardedDataParallelPlugin | None) -> None:
    """Let an accelerator shard: it does so by itself on GPUs only, though all that it calls works on CPUs as well."""
    if by is not None:
        accelerator.state.distributed_type = PartialState().distributed_type = DistributedType.FSDP
        accelerator.state.fsdp_plugin = by


def shard(accelerator: Accelerator, model: nn.Module, optimiser: torch.optim.Optimizer) -> tuple[Any, Any]:
    """Return a model and its optimiser, sharded in place: each layer by itself, and together what is in none.

    A model may have `outside`: frozen models that it calls and that are no part of it. Their layers are sharded too.

    Raises:
        InputError: a model is quantised.
    """
    outside = getattr(model, "outside", ())
    if any(not weight.is_floating_point() for each in (model, *outside) for weight in each.parameters()):
        do = "set quantisation: null, for each process holds a part only; or train without --use_fsdp"
        raise InputError("a quantised model is not sharded", key="quantisation", do=do)
    from torch.distributed.fsdp.wrap import transformer_auto_wrap_policy

    by = accelerator.state.fsdp_plugin
    by.transformer_cls_names_to_wrap = layers(model)
    by.auto_wrap_policy = transformer_auto_wrap_policy if by.transformer_cls_names_to_wrap else None
    for weight in model.parameters():
        weight.data = weight.data.contiguous()  # a convolution's may have its channels side by side
    for frozen in outside:
        _shard_layers(frozen, by, accelerator.device)
    accelerator.free_memory()  # of a model before it
    prepared: tuple[Any, Any] = accelerator.prepare(model, optimiser)
    prepared[0].set_reshard_after_forward(True)  # also the outermost, whose weights would be whole after a validation
    return prepared


def _shard_layers(model: nn.Module, by: FullyShardedDataParallelPlugin, device: torch.device) -> None:
    """Shard each layer of a frozen model by itself, once; what is in none (embeddings, the head) each process has."""
    from torch.distributed.fsdp import fully_shard

    names = layers(model)
    for module in [module for module in model.modules() if type(module).__name__ in names]:
        fully_shard(module, reshard_after_forward=True, offload_policy=by.cpu_offload)
    for value in (*model.parameters(), *model.buffers()):
        if not _in_parts(value):
            value.data = value.data.to(device)


def layers(model: nn.Module) -> list[str]:
    """Return the classes of a model's layers: those that transformers names, for it splits no model within one."""
    named = {name for module in model.modules() for name in getattr(module, "_no_split_modules", None) or ()}
    return sorted(named & {type(module).__name__ for module in model.modules()})


def whole(tree: Any) -> Any:
    """Return tensors in dicts and lists with each sharded one whole, on the CPU, in every process."""
    if not is_sharded():
        return tree
    leaves, shape = trees.tree_flatten(tree)
    return trees.tree_unflatten([leaf.full_tensor().cpu() if _in_parts(leaf) else leaf for leaf in leaves], shape)


def like(held: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return a tensor that every process has whole as `held` is: this process's part of it, where that is sharded."""
    if not _in_parts(held) or _in_parts(value):
        return value
    from torch.distributed.tensor import distribute_tensor

    by: Any = held
    return distribute_tensor(value.to(held.device), by.device_mesh, by.placements, src_data_rank=None)


def moments(optimiser: Any, state: dict[str, Any]) -> dict[str, Any]:
    """Return an optimiser's whole state as that optimiser holds it: moments as the weights are that they belong to."""
    held = [weight for group in optimiser.param_groups for weight in group["params"]]
    own = {
        number: {
            name: like(held[number], value) if getattr(value, "shape", None) == held[number].shape else value
            for name, value in each.items()
        }
        for number, each in state["state"].items()
    }
    return {**state, "state": own}


def _in_parts(value: Any) -> bool:
    return hasattr(value, "full_tensor")


def most(count: int, device: torch.device) -> int:
    """Return the largest of the processes' counts, where they shard: how often each has to compute a layer."""
    if not is_sharded():
        return count
    found = torch.tensor(int(count), device=device)
    torch.distributed.all_reduce(found, torch.distributed.ReduceOp.MAX)
    return int(found)


def unsharded(model: M, fresh: Callable[[], M]) -> M:
    """Return a model that one device holds: itself where nothing is sharded, else a `fresh` one with its weights."""
    if not is_sharded():
        return model
    weights, again = whole(model.state_dict()), fresh()
    again.load_state_dict(weights)
    return again.to(next(model.parameters()).device).eval()
