"""Tiny models of every architecture, and the embedded one before its training, made once a session."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from stages.pretrain.blank import blank
from stages.vlm import tiny
from tests.tiny_embedded import TINY

EMBEDDED = TINY.model_copy(update={"layers": 2, "vocabulary": 400})


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
