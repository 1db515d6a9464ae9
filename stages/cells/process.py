"""A cell in a DVC process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import psutil

#: Seconds between two looks at a process; a cell takes many more.
LOOK = 0.1
#: Seconds in which a cell that is told to stop may do so by itself.
PATIENCE = 30


class Running(Protocol):
    """A cell at work."""

    def poll(self) -> int | None:
        """Return its exit status, None while it works."""

    def stop(self, hard: bool) -> None:
        """Tell it to stop, as often as one likes."""


class Process:
    """`dvc repro -s` of one cell: DVC's lock of the project is waited for, and nothing upstream runs."""

    def __init__(
        self, address: str, log: Path | None, force: bool = False, env: Mapping[str, str] = os.environ
    ) -> None:
        """Start it.

        Args:
            address: the cell, as DVC names it.
            log: a file for what it says; None lets it speak here.
            force: though it is up to date.
            env: its environment.
        """
        command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "-s", address, *(["-f"] if force else [])]
        # A stage's `python` must be this one.
        own = {**env, "PATH": os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])}
        with contextlib.ExitStack() as opened:
            text = None
            if log is not None:
                log.parent.mkdir(parents=True, exist_ok=True)
                text = opened.enter_context(log.open("w"))
            self._process = subprocess.Popen(command, env=own, stdout=text, stderr=text)

    def poll(self) -> int | None:
        """Return its exit status, None while it works."""
        return self._process.poll()

    def stop(self, hard: bool) -> None:
        """End the stage, so that DVC says so and gives its locks back; `hard` ends DVC too.

        A kill of DVC may cut `dvc.lock` short: it writes that file in place.
        """
        with contextlib.suppress(psutil.NoSuchProcess):
            for process in psutil.Process(self._process.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill() if hard else process.terminate()
        if hard:
            self._process.kill()


def stop(running: Sequence[Running]) -> None:
    """Stop cells and wait until they have; what does not within `PATIENCE` is killed."""
    until = time.monotonic() + PATIENCE
    while left := [one for one in running if one.poll() is None]:
        for one in left:
            one.stop(time.monotonic() > until)
        time.sleep(LOOK)


def repro(address: str, log: Path, env: Mapping[str, str], own: Sequence[str]) -> int:
    """Run one cell from a process on this machine that may be interrupted; return DVC's exit status.

    Args:
        address: the cell, as DVC names it.
        log: a file for what it says.
        env: the environment of who asked for it.
        own: names of variables that are taken of this process instead, such as those that say which GPU it holds.
    """
    process = Process(address, log, env={**env, **{name: os.environ[name] for name in own if name in os.environ}})
    try:
        while (code := process.poll()) is None:
            time.sleep(LOOK)
    except BaseException:
        stop([process])
        raise
    return code
