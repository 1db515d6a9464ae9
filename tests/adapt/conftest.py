"""Tiny models of every architecture, and the embedded one before its training, made once a session."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from stages.pretrain.blank import blank
from stages.pretrain.params import PretrainParams
from stages.vlm import tiny

EMBEDDED = PretrainParams.model_validate({
    "scene": "pretrain", "seed": 0, "threads": 1, "size": [64, 64], "channels": [8, 8, 8, 16], "hidden": 32,
    "layers": 2, "vocabulary": 400, "frames": 2,
    "vision": {"steps": 1, "batch": 1, "rate": 0.001, "window": 32, "zoom": [1, 1], "whole": 1},
    "language": {"steps": 1, "batch": 1, "rate": 0.001, "questions": 1},
})  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from an architecture's name, or `embedded`, to the folder of its tiny model."""
    root = tmp_path_factory.mktemp("models")

    def made(name: str) -> Path:
        folder = root / name
        if folder.exists():
            return folder
        if name != "embedded":
            return tiny.save(name, folder)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model, processor = blank(EMBEDDED, ["A person is walking. What is the person doing?"])
            for parameter in model.model.language_model.parameters():
                parameter.data += 0.2 * torch.randn_like(parameter)  # enough that an image changes the words
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        return folder

    return made
