"""Tiny models, made once a session."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stages.vlm import tiny


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from an architecture's name to the folder of its tiny model."""
    root = tmp_path_factory.mktemp("models")
    return lambda name: root / name if (root / name).exists() else tiny.save(name, root / name)
