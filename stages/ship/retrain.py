"""Train every cell that learns from nothing: no run cache and no journal is asked for what was learnt before."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
        with _empty_journal():
            _dvc("repro", "--force", "--single-item", cell.name)
        seconds[cell.name] = round(time.monotonic() - started)
    write_json(seconds_file(repo), seconds)
    print(f"ship: {len(cells)} cells trained from nothing in {sum(seconds.values())} s")


def _needed(repo: Any, cell: Cell) -> list[str]:
    """Return the stages whose outputs a cell reads."""
    return sorted(stage.addressing for stage in repo.index.graph.successors(cell.stage))


@contextmanager
def _empty_journal() -> Iterator[None]:
    """Let stages find no finished training, which would come back at once."""
    before = os.environ.get("HAR_JOURNAL")
    with tempfile.TemporaryDirectory(prefix="journal-") as journal:
        os.environ["HAR_JOURNAL"] = journal
        try:
            yield
        finally:
            del os.environ["HAR_JOURNAL"]
            if before is not None:
                os.environ["HAR_JOURNAL"] = before


def _dvc(*arguments: str) -> None:
    """Run DVC's command line, in this process: each start of it takes two seconds."""
    from dvc.cli import main

    if status := main(list(arguments)):
        raise GateError(f"`dvc {' '.join(arguments)}` ended in {status}; what it printed says why")
