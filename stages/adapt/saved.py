"""What a cell leaves: `head.safetensors` and `head.json`, beside them the adapter in peft's format if it has one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from stages.adapt.heads import Headed
from stages.base.errors import InputError
from stages.base.tables import read_json, write_json
from stages.learn.launch import speaks
from stages.learn.sharded import whole
from stages.vlm.adapter import CONFIG, WEIGHTS, attach
from stages.vlm.checkpoint import files_hash
from stages.vlm.local import Local
from stages.weights.unchanged import check_folder

HEAD, CLASSES = "head.safetensors", "head.json"


def save_head(folder: Path, head: torch.nn.Linear, about: dict[str, Any]) -> None:
    """Write a head: its weights, and what they are about (classes in the order of logits, prompt, base model).

    Every process calls it, for each may have a part of the weights; one writes.
    """
    state = whole(head.state_dict())
    if not speaks():
        return
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.detach().cpu().contiguous() for name, value in state.items()}, folder / HEAD)
    write_json(folder / CLASSES, about)


def revision_of(folder: Path, base: str) -> str:
    """Return what identifies the weights in a folder above a base model: a prediction's `revision`."""
    there = [folder / name for name in (HEAD, CLASSES, CONFIG, WEIGHTS) if (folder / name).exists()]
    return f"{base}+{files_hash(folder, there)}"


def load(folder: Path, backend: Local) -> tuple[Headed, list[str]]:
    """Return a model with its head, ready to name classes, and the classes in the order of its logits.

    Args:
        folder: of a finished cell, or of one of its folds.
        backend: the base model.

    Raises:
        InputError: there is no head, it was made for another base model, or its files are not those that DVC recorded.
    """
    check_folder(folder) or check_folder(folder.parent)  # a fold's record is its cell's
    about = read_json(folder / CLASSES)
    if about["revision"] != backend.revision:
        raise InputError(
            f"the head was made for {about['base']} at {about['revision']}, and the model is at {backend.revision}",
            file=folder / CLASSES,
            key="revision",
            do="train it again on this model (`dvc repro`)",
        )
    engine = backend.engine()
    model = engine.model
    if (folder / CONFIG).exists():
        model = attach(model, str(folder), backend.params.name, backend.base_revision, engine.device)
    headed = Headed(model, len(about["classes"]))
    headed.head.to(engine.device)
    headed.tokens = headed.tokens.to(engine.device)  # each by itself: a model that is spread must not be moved
    headed.head.load_state_dict(load_file(folder / HEAD))
    return headed.eval(), about["classes"]
