"""Every long stage killed at random moments and started again, until it finishes: the same bytes, and what was spared.

`make drill KILLS=20` kills each stage so many times, at moments drawn evenly from the time of an undisturbed run, and
prints a table; a run that finishes is compared, and another one begun from nothing. Without `HAR_KILLS` nothing is
killed here: `make test` has a kill of each stage, at a moment that it waits for, with the tests of its room.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kills.small import STAGES, Stage
from tests.pipeline.drill import finished, started

KILLS = int(os.environ.get("HAR_KILLS", "0"))

pytestmark = pytest.mark.skipif(not KILLS, reason="takes half an hour: `make drill`")


@pytest.fixture(scope="module", autouse=True)
def table() -> Iterator[list[str]]:
    """Print a line a stage when all are done."""
    lines = ["| stage | kills | finished runs | of their work from before a kill | files that differ | undisturbed |"]
    lines.append("|---|---|---|---|---|---|")
    yield lines
    print("\n" + "\n".join(lines))


def outputs(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder, less the journal and the code: what a kill leaves behind is an output too."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in AROUND]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


AROUND = (".journal", ".dvc", "stages")


def start(stage: Stage, folder: Path) -> subprocess.Popen[str]:
    return started(folder, *stage.arguments, command=f"stages.{stage.command}")


def killed(process: subprocess.Popen[str], seconds: float) -> bool:
    """Kill a command and all that it started after so long; tell whether it was still at work."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    return False


@pytest.mark.parametrize("name", STAGES)
def test_killed_at_random_moments_it_ends_in_the_same_bytes(name: str, tmp_path: Path, table: list[str]) -> None:
    stage, draw = STAGES[name], random.Random(name)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    stage.prepare(fresh)
    whole = copied(fresh, tmp_path / "whole")
    began = time.monotonic()
    assert stage.spared(finished(start(stage, whole))) == 0
    longest, undisturbed = time.monotonic() - began, outputs(whole)
    assert undisturbed.keys() > outputs(fresh).keys()

    kills, rounds, spared, others = 0, 0, [], []
    while kills < KILLS:
        folder, before = copied(fresh, tmp_path / f"killed{rounds}"), kills
        process, began = start(stage, folder), time.monotonic()
        while kills < KILLS and killed(process, draw.uniform(0, longest)):
            process, began, kills = start(stage, folder), time.monotonic(), kills + 1
        known = stage.spared(finished(process))
        if kills == before:
            longest = min(longest, time.monotonic() - began)  # the first one may have shared its processor
        else:
            spared.append(known / stage.total)
        found, rounds = outputs(folder), rounds + 1
        others += [path for path in sorted(found.keys() | undisturbed) if found.get(path) != undisturbed.get(path)]
        shutil.rmtree(folder)
    of_work = f"{sum(spared) / len(spared):.0%} of {stage.total} {stage.work}"
    table.append(f"| {name} | {kills} | {rounds} | {of_work} | {len(others)} | {longest:.0f} s |")
    assert others == []
    assert all(0 <= one <= 1 for one in spared)


def copied(fresh: Path, to: Path) -> Path:
    return Path(shutil.copytree(fresh, to, symlinks=True))
