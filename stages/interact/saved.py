"""What a cell leaves: the learnt half, and the names of the frozen models that it belongs to, with their hashes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from safetensors.torch import load_file, save_file

from stages.base.errors import InputError
from stages.base.tables import read_json, write_json
from stages.interact.model import Interaction
from stages.interact.naming import Classifier
from stages.interact.params import Naming, Talking, Way
from stages.weights.halved import half
from stages.weights.unchanged import check_folder

WEIGHTS, CONFIG = "model.safetensors", "config.json"


def save(folder: Path, model: Interaction | Classifier, about: dict[str, Any]) -> None:
    """Write what was learnt, matrices in half precision, and what it is about.

    `about` has the recipe (`way`), the features' `widths`, `classes` with their words, and the `frozen` models.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: half(value.detach().cpu()).contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / WEIGHTS)
    write_json(folder / CONFIG, about)


def load(folder: Path, frozen: dict[str, Any], language: Any = None) -> tuple[Interaction | Classifier, dict[str, Any]]:
    """Return a trained model, ready to be asked, and what it is about.

    Args:
        folder: of a finished cell, or of one of its folds.
        frozen: the frozen models that are there, as `about` names them.
        language: the language model, for one that speaks.

    Raises:
        InputError: there is none, its frozen models are others, or its files are not those that DVC recorded.
    """
    check_folder(folder) or check_folder(folder.parent)  # a fold's record is its cell's
    about = read_json(folder / CONFIG)
    for name, wanted in about["frozen"].items():
        if frozen.get(name) != wanted:
            raise InputError(
                f"was trained on {name} {wanted}, and that is {frozen.get(name)}",
                file=folder / CONFIG,
                key=name,
                do="train it again on this model (`dvc repro`)",
            )
    way: Talking | Naming = TypeAdapter(Way).validate_python(about["way"])
    model: Interaction | Classifier
    if isinstance(way, Talking):
        model = Interaction(way, about["widths"], language)
    else:
        model = Classifier(way, about["widths"], len(about["classes"]))
    state = {name: value.to(torch.float32) for name, value in load_file(folder / WEIGHTS).items()}
    model.load_state_dict(state)
    return model.eval(), about
