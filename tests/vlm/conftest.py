"""Tiny models, made once a session."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from stages.vlm import tiny


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tiny models gain nothing from a second thread, and wait for it on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from an architecture's name to the folder of its tiny model."""
    root = tmp_path_factory.mktemp("models")
    return lambda name: root / name if (root / name).exists() else tiny.save(name, root / name)
