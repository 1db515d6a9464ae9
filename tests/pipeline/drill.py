"""What drills start, stop in the middle, and compare afterwards."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.conftest import ROOT, dvc
from tests.pipeline.project import REPLAY, RUN, digests, journal

CELL = f"{REPLAY}:measure@smarthome_vlm"
OTHER = f"{REPLAY}:infer@smarthome_vlm_llama3_2_vision"
OUT = f"{RUN}/measures"
#: It is written when all methods are measured.
LAST = f"{OUT}/methods.json"


def forget(project: Path) -> None:
    """Lose all measures, and whatever could spare their computation."""
    for name in (".journal", ".dvc/cache", f"{RUN}/measures"):
        shutil.rmtree(project / name)
    # One text after another, so that there is a middle to stop in.
    (project / "compute.yaml").write_text("batch: 1\nworkers: 1\nthreads: 1\n")


def started(project: Path, *arguments: str, command: str = "dvc") -> subprocess.Popen[str]:
    """Start a module's command line in a process group of its own, with the project's journal."""
    return subprocess.Popen(
        [sys.executable, "-m", command, *arguments],
        cwd=project,
        env={**os.environ, **journal(project)},
        text=True,
        process_group=0,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def records(folder: Path) -> int:
    """Return how many samples a room's journal holds."""
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))


def embedded(output: str) -> int:
    """Return how many texts a measure cell embedded, from its closing line."""
    (line,) = [line for line in output.splitlines() if "texts embedded" in line]
    return int(line.split(" texts embedded")[0].rpartition(";")[2].split(" of ")[0])


def kill_when(process: subprocess.Popen[str], ready: Callable[[], bool]) -> None:
    """Kill a command and all that it started, as a power cut does, once it is in the middle of its work."""
    while not ready():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def by_hand(folder: Path, block: dict[str, object]) -> None:
    """Make a folder in which a stage runs by hand, in one process."""
    dvc("init", "-q", "--no-scm", cwd=folder)
    (folder / "params.yaml").write_text(yaml.safe_dump(block))
    (folder / "compute.yaml").write_text("workers: 1\n")
    (folder / "stages").symlink_to(ROOT / "stages")


def finished(process: subprocess.Popen[str]) -> str:
    """Wait for a command that must succeed; return what it printed."""
    output = process.communicate()[0]
    assert process.returncode == 0, output
    return output


def same(project: Path, replayed: Path, only: str = "") -> bool:
    """Tell whether two projects hold the same results, of all or of those whose path starts with `only`."""
    now, then = digests(project), digests(replayed)
    return {name: md5 for name, md5 in then.items() if name.startswith(only)} == {
        name: md5 for name, md5 in now.items() if name.startswith(only)
    }
