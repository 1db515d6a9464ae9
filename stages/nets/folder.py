"""Models that are not transformers' own as a folder: weights, and a config.json of what they are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from stages.base.errors import InputError
from stages.base.tables import read_json, write_text
from stages.nets.base import Built, Shape, State
from stages.weights.halved import half
from stages.weights.unchanged import check_folder

CONFIG, WEIGHTS = "config.json", "model.safetensors"


def write_folder(folder: Path, built: Built, shape: Shape, classes: Sequence[str], more: Mapping[str, Any]) -> None:
    """Write a model, its `options`, what it was made for, and `more`, such as its architecture."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: half(value).contiguous() for name, value in built.model.state_dict().items()}, folder / WEIGHTS)
    config = {
        **more,
        "options": built.model.options,
        "classes": list(classes),
        "frames": shape.frames,
        "size": [shape.width, shape.height],
        "mean": list(built.mean),
        "std": list(built.std),
    }
    write_text(folder / CONFIG, json.dumps(config, indent=1) + "\n")


def read_folder(weights: str, architecture: str) -> tuple[dict[str, Any], State]:
    """Return what a folder's config says, and its weights.

    Raises:
        InputError: there is no such folder, or it holds another architecture.
    """
    folder = Path(weights)
    if not (folder / CONFIG).exists():
        raise InputError(
            f"no checkpoint of {architecture}",
            file=folder / CONFIG,
            key="weights",
            do="give a folder that the stage train wrote",
        )
    check_folder(folder)
    config: dict[str, Any] = read_json(folder / CONFIG)
    found = config.get("model_type") or config.get("architecture")
    if found != architecture:
        raise InputError(
            f"is a {found}, expected a {architecture}",
            file=folder,
            key="weights",
            do="correct `architecture` or `weights`",
        )
    state = {
        name: value.float() if value.is_floating_point() else value
        for name, value in load_file(folder / WEIGHTS).items()
    }
    return config, state
