"""The small replay: run once, for every test of every worker that starts from it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import dvc
from tests.once import once
from tests.pipeline.project import REPLAY, commit, journal, replay_project


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory, remote_file: Callable[[str], Path]) -> Path:
    """Return the replay of four real clips a class, run and committed; its journal is `.journal`. Not to be changed.

    Fewer clips would leave a published list without one.
    """

    def make(project: Path) -> None:
        replay_project(project, remote_file, a_class=4)
        dvc("repro", "-q", REPLAY, cwd=project, env=journal(project))
        commit(project)

    return once(tmp_path_factory, "replayed", make)


@pytest.fixture
def copy(replayed: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to change."""
    return Path(shutil.copytree(replayed, tmp_path / "project", symlinks=True))
