"""A shipped repository, made once for every test of a worker."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.pipeline.project import commit
from tests.ship.project import Project, Ship, create


@pytest.fixture(scope="session")
def _unshipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return create(tmp_path_factory.mktemp("unshipped") / "project").folder


@pytest.fixture
def ship(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ship:
    """Return what runs `python -m stages.ship`."""
    return Ship(monkeypatch, capsys)


@pytest.fixture
def unshipped(_unshipped: Path, tmp_path: Path) -> Project:
    """Return a repository that ran its graph and shipped nothing."""
    return Project(Path(shutil.copytree(_unshipped, tmp_path / "project", symlinks=True)))


@pytest.fixture
def shipped(unshipped: Project, ship: Ship) -> Project:
    """Return the same with its weights shipped, and committed."""
    ship(unshipped, "push")
    commit(unshipped.folder)
    return unshipped


@pytest.fixture
def clone(shipped: Project, tmp_path: Path) -> Project:
    """Return a clone of it."""
    return shipped.clone(tmp_path / "clone")
