"""Train every cell that learns from nothing: no run cache, no journal, no earlier output is asked."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from typing import Any

from stages.base.errors import GateError
from stages.base.tables import write_json
from stages.ship.cells import Cell, learning
from stages.ship.record import seconds_file
from stages.ship.workspace import refuse_unsaved


def retrain(repo: Any) -> None:
    """Train the cells that learn, each after those that it learns from; what they need besides is made as usual.

    How long each took is left for `push`.

    Raises:
        InputError: an output in the working tree would be lost.
        GateError: a cell failed.
    """
    cells = learning(repo)
    refuse_unsaved(repo, cells)
    seconds: dict[str, int] = {}
    for cell in cells:
        if needed := _needed(repo, cell):
            _dvc("repro", *needed)
        started = time.monotonic()
        # A finished training is in the journal too, from where it would come back at once.
        with tempfile.TemporaryDirectory(prefix="journal-") as journal:
            _dvc("repro", "--force", "--single-item", cell.name, env={"HAR_JOURNAL": journal})
        seconds[cell.name] = round(time.monotonic() - started)
    write_json(seconds_file(repo), seconds)
    print(f"ship: {len(cells)} cells trained from nothing in {sum(seconds.values())} s")


def _needed(repo: Any, cell: Cell) -> list[str]:
    """Return the stages whose outputs a cell reads."""
    return sorted(stage.addressing for stage in repo.index.graph.successors(cell.stage))


def _dvc(*arguments: str, env: dict[str, str] | None = None) -> None:
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], env={**os.environ, **(env or {})}, check=False)
    if done.returncode:
        raise GateError(f"`dvc {' '.join(arguments)}` ended in {done.returncode}; what it printed says why")
