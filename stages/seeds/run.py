"""Run the cells that have to run, several at a time: each in a DVC process of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from pathlib import Path

from stages.base.errors import InputError
from stages.seeds.cells import Cell, cells
from stages.seeds.workspace import FOLDER


def run(jobs: int, only: str, force: bool) -> None:
    """Run stale cells whose address fits `only`; one that fails does not stop the others.

    Raises:
        InputError: the shipped run is not there, or a cell failed.
    """
    wanted = [cell for cell in cells() if fnmatch(cell.title, only)]
    if absent := sorted({path for cell in wanted for path in cell.absent}):
        do = "other seeds are compared with the shipped run: run `make repro` first"
        raise InputError(f"not there: {', '.join(absent)}", do=do)
    todo = [cell for cell in wanted if force or cell.stale]
    print(f"seeds: {len(wanted)} cells, {len(todo)} to run, {jobs} at a time", flush=True)
    # Cells of one changed seed share a workspace, which is one repository: they take turns.
    groups: dict[tuple[int, str, str], list[Cell]] = {}
    for cell in todo:
        groups.setdefault((cell.draw, cell.recipe, cell.key), []).append(cell)
    stop = threading.Event()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            ended = list(pool.map(lambda group: _run_group(group, jobs, force, stop), groups.values()))
        except BaseException:
            stop.set()
            raise
    if failed := [name for names in ended for name in names]:
        raise InputError(
            f"{len(failed)} of {len(todo)} cells failed: {', '.join(failed)}",
            do="read what they said; `make seeds` goes on where they stopped",
        )


def _run_group(group: list[Cell], jobs: int, force: bool, stop: threading.Event) -> list[str]:
    """Run cells one after the other; return those that failed."""
    failed = []
    for cell in group:
        if stop.is_set():
            break
        started = time.monotonic()
        # Texts of several at a time would be mixed, so they lie in files.
        log = FOLDER / f"{cell.dataset}_{cell.out.stem}.log" if jobs > 1 else None
        code = _run(cell, force, log)
        how = "done" if code == 0 else f"failed, see {log or 'above'}"
        print(f"seeds: {cell.title}: {how}, {time.monotonic() - started:.0f} s", flush=True)
        failed += [] if code == 0 else [cell.title]
    return failed


def _run(cell: Cell, force: bool, log: Path | None) -> int:
    """Run one cell; return DVC's exit status."""
    # `-s`: what a cell is made from is the shipped run as it is; to bring that up to date is `make repro`.
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "-s", cell.address]
    env = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}
    with contextlib.ExitStack() as opened:
        text = None
        if log is not None:
            log.parent.mkdir(exist_ok=True)
            text = opened.enter_context(log.open("w"))
        done = subprocess.run([*command, *(["-f"] if force else [])], env=env, check=False, stdout=text, stderr=text)
    return done.returncode
