"""Which modules of a VLM get LoRA, and the adapter as peft makes and saves it.

LoRA: Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models". A target is the last name of a module, such
as q_proj, and only the parts that are asked for are searched: most vision towers have a q_proj too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import peft
import torch
from safetensors.torch import save_file
from torch import nn

from stages.adapt.params import LoraParams, Part
from stages.base.errors import InputError
from stages.exact.linear import steady
from stages.learn.launch import speaks
from stages.learn.sharded import whole
from stages.vlm.adapter import WEIGHTS
from stages.vlm.spread import is_spread

#: What a module's path says where it belongs to the vision tower, or to what joins it to the language model.
_VISION, _JOINS = ("vision", "visual", "tower"), ("project", "connect", "merger", "resampler")
#: What peft puts LoRA on here.
_KINDS = (nn.Linear, nn.Conv2d, nn.Conv3d)


def modules_of(model: Any) -> dict[str, Part]:
    """Return the names of all modules of a VLM that LoRA can be put on, each with its part of the model."""
    decoder, output = model.get_decoder(), model.get_output_embeddings()
    prefix = next(name for name, module in model.named_modules() if module is decoder)
    return {
        name: "language" if module is output or name.startswith(f"{prefix}.") else _part(name)
        for name, module in model.named_modules()
        if isinstance(module, _KINDS)
    }


def _part(name: str) -> Part:
    *inner, leaf = name.split(".")
    steps = [step for step in inner if step != "model"] or [leaf]
    if any(word in step for step in steps for word in _JOINS):
        return "projector"
    return "vision" if any(word in steps[0] for word in _VISION) else "projector"


def targets(model: Any, params: LoraParams) -> list[str]:
    """Return the names of the modules that get LoRA, sorted.

    Raises:
        InputError: a target is in none of the parts; it lists what there is.
    """
    modules = modules_of(model)
    asked = {name: part for name, part in modules.items() if part in params.parts}
    found = sorted(name for name in asked if name.rpartition(".")[2] in params.targets)
    missing = sorted(set(params.targets) - {name.rpartition(".")[2] for name in found})
    if missing:
        there = "; ".join(f"{part}: {_leaves(modules, part)}" for part in ("vision", "projector", "language"))
        raise InputError(
            f"no module of {', '.join(params.parts)} is called {', '.join(missing)}",
            key="lora.targets",
            do=f"name modules that the model has ({there})",
        )
    return found


def _leaves(modules: dict[str, Part], part: str) -> str:
    return ", ".join(sorted({name.rpartition(".")[2] for name, its in modules.items() if its == part})) or "none"


def put_on(model: Any, params: LoraParams, seed: int) -> Any:
    """Return the model under fresh LoRA as a `PeftModel`; nothing else of it learns, and it answers as before.

    Raises:
        InputError: a target is in none of the parts, or the model is spread by `device_map`.
    """
    if is_spread(model):
        raise InputError(
            "a model that is spread over several places does not learn here",
            key="device_map",
            do="set device_map: null, or take the way ft_lc",
        )
    names = targets(model, params)
    config = peft.LoraConfig(
        r=params.rank,
        lora_alpha=params.alpha,
        lora_dropout=params.dropout,
        # A pattern: peft keeps a list as a set, and would write it in another order every time.
        target_modules=pattern(names),
    )
    model.requires_grad_(False)
    modules = dict(model.named_modules())
    if any(isinstance(modules[name], nn.Conv2d) for name in names):
        # Convolutions are a sixth faster on a CPU when a pixel's channels lie side by side.
        model.to(memory_format=torch.channels_last)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        adapted: Any = peft.get_peft_model(model, config)
    # Its own layers too, which are newer than the engine's: it must say what it will say once it is loaded.
    return steady(adapted, model.device.type)


def pattern(names: Iterable[str]) -> str:
    """Return a regular expression of all the names, layers of one kind as one."""
    kinds = {re.sub(r"(?<=\.)\d+(?=\.)", "#", name) for name in names}
    return "|".join(sorted(re.escape(kind).replace(r"\#", r"\d+") for kind in kinds))


def save(adapted: Any, folder: Path, base: str, revision: str) -> None:
    """Write a `PeftModel`'s adapter as peft does, the same weights giving the same bytes.

    Every process calls it, for each may have a part of the weights; one writes.

    Args:
        adapted: the model.
        folder: where `adapter_config.json` and `adapter_model.safetensors` go.
        base: the base model's name or path.
        revision: the base model's commit, or the hash of its files.
    """
    state = whole(peft.get_peft_model_state_dict(adapted, save_embedding_layers=False))
    if not speaks():
        return
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: weight.detach().cpu().contiguous() for name, weight in state.items()}, folder / WEIGHTS)
    config = adapted.peft_config["default"]
    for name, value in {"base_model_name_or_path": base, "revision": revision, "inference_mode": True}.items():
        setattr(config, name, value)
    config.save_pretrained(str(folder))
