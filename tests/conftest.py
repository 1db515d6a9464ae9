"""Fixtures that many rooms' tests share."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from tests.once import once

ROOT = Path(__file__).resolve().parents[1]

# Nothing here may ask a hub: what is not on this machine is an error to test, not a download to wait for.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Committed values are a CPU's.
if "HAR_TEST_GPU" not in os.environ:
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
# The environment may have the check before `dvc push`, which the remotes of tests do not need; tests/leaves is of it.
os.environ.setdefault("HAR_PUSH", "unchecked")
# DVC would start a process after each command, which reports to its makers.
os.environ.setdefault("DVC_NO_ANALYTICS", "1")


def pytest_collection_finish() -> None:
    """Take what was imported for all tests, a million objects that stay, out of every later search for garbage."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _own_journal(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the project's journal."""
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path_factory.mktemp("journal")))


@pytest.fixture(autouse=True)
def _own_end() -> Iterator[None]:
    """A cluster that Ray starts here leaves its own handler of SIGTERM, with which what is forked later never ends."""
    yield
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture
def two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in a new folder whose compute.yaml starts a Ray cluster of two workers on this machine."""
    import ray

    from stages.base import params

    monkeypatch.chdir(tmp_path)
    (tmp_path / "compute.yaml").write_text("{engine: ray, batch: 3, threads: 1, workers: 2, device: cpu}")
    params.forget()
    yield
    ray.shutdown()
    params.forget()


def dvc(*arguments: str, cwd: Path, env: dict[str, str] | None = None, check: bool = True) -> str:
    """Run the DVC command line; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "dvc", *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"dvc {' '.join(arguments)} ended in {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout + done.stderr


def pointed(pointer: Path) -> Path:
    """Return the file or folder that a `.dvc` file stands for."""
    (out,) = yaml.safe_load(pointer.read_text())["outs"]
    return pointer.parent / str(out["path"])


@pytest.fixture(scope="session")
def remote_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function from a path under `data/` that has a DVC pointer to a local copy of what it points to.

    The copy comes from the remote whose address is in `HAR_REMOTE`; without one the test is skipped, visibly.
    """
    remote = os.environ.get("HAR_REMOTE")
    if remote and "://" not in remote:
        remote = str((ROOT / remote).resolve())  # whatever folder a test has gone to

    def pull(repo: Path) -> None:
        dvc("init", "--no-scm", cwd=repo)
        dvc("remote", "add", "-d", "real", str(remote), cwd=repo)
        dvc("config", "cache.dir", os.environ.get("HAR_TEST_CACHE", str(repo / ".dvc" / "cache")), cwd=repo)
        # All at once: to start DVC takes longer than to copy any of them. A pointer of one's own is not in git.
        listed = subprocess.run(["git", "ls-files", "data/*.dvc"], cwd=ROOT, check=True, capture_output=True, text=True)
        for pointer in listed.stdout.splitlines():
            (repo / pointer).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / pointer, repo / pointer)
        dvc("pull", cwd=repo, check=False)  # a remote may lack some: who asks for one is told

    def get(name: str) -> Path:
        if not remote:
            pytest.skip("needs real data: set HAR_REMOTE to the address of the DVC remote that holds it")
        repo = once(tmp_path_factory, "remote", pull)
        if not pointed(repo / f"{name}.dvc").exists():
            dvc("pull", f"{name}.dvc", cwd=repo)
        return pointed(repo / f"{name}.dvc")

    return get
