"""The small replay: run once, for every test of every worker that starts from it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import dvc
from tests.pipeline.project import REPLAY, commit, journal, replay_project


@pytest.fixture(scope="session")
def replayed(tmp_path_factory: pytest.TempPathFactory, remote_file: Callable[[str], Path]) -> Path:
    """Return the replay of four real clips a class, run and committed; its journal is `.journal`. Not to be changed.

    Fewer clips would leave a published list without one.
    """
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent  # the workers' common folder
    project, done = shared / "replayed", shared / "replayed.done"
    with FileLock(shared / "replayed.lock"):
        if not done.exists():
            shutil.rmtree(project, ignore_errors=True)
            replay_project(project, remote_file, a_class=4)
            dvc("repro", "-q", REPLAY, cwd=project, env=journal(project))
            commit(project)
            done.touch()
    return project


@pytest.fixture
def copy(replayed: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to change."""
    return Path(shutil.copytree(replayed, tmp_path / "project", symlinks=True))
