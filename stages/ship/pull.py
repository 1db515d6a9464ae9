"""Bring what was learnt from `shipped/`, as far as it can be had; what cannot is trained by `dvc repro`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from stages.ship.cells import Cell, learning, stale, upstream
from stages.ship.record import Record, duration, read_record
from stages.ship.store import Objects
from stages.ship.workspace import refuse_unsaved, replaced, to_check_out


def pull(repo: Any) -> None:
    """Fetch and check out the outputs of the cells that learn; say which cells will be trained, and for how long.

    A store that is absent, incomplete, damaged, read-only or of another lock is no error. An output that is not the
    lock's is replaced only where DVC's cache has it.

    Raises:
        InputError: an output in the working tree would be lost.
    """
    objects, cells = Objects(repo), learning(repo)
    why: dict[str, str] = {}
    for cell in cells:
        changed = stale(repo, cell.stage)
        why[cell.name] = f"changed: {', '.join(changed)}" if changed else objects.absent(cell)
    there = [cell for cell in cells if not why[cell.name]]
    fetched = [cell for cell in there if objects.fetch(cell)]
    refuse_unsaved(repo, cells)
    others = replaced(repo, there)
    if outs := to_check_out(repo, there):
        repo.checkout(targets=[str(Path(repo.root_dir) / path) for path in outs], force=True)
    if others:
        print(f"ship: replaced by what dvc.lock names (DVC's cache has what was there): {', '.join(others)}")
    print(
        f"ship: {len(there)} of {len(cells)} cells that learn are here as dvc.lock has them, "
        f"{len(fetched)} of them fetched from shipped/"
    )
    _say(repo, cells, why, read_record(Path(repo.root_dir) / "shipped"))


def _say(repo: Any, cells: list[Cell], why: dict[str, str], record: Record) -> None:
    """Print which cells `dvc repro` will train, and which it may train, with the time that this takes."""
    trained = [cell for cell in cells if why[cell.name]]
    if trained:
        print(f"ship: `dvc repro` will train {_listed(trained)}, {duration(record, _names(trained))}:")
        print("\n".join(f"  {cell.name}: {why[cell.name]}" for cell in trained))
    follow = [cell for cell in cells if not why[cell.name] and _follows(repo, cell, why)]
    if follow:
        print(
            f"ship: where that, or changed code before it, gives other bytes, it will also train {_listed(follow)}, "
            f"{duration(record, _names(follow))}"
        )


def _follows(repo: Any, cell: Cell, why: dict[str, str]) -> bool:
    """Tell whether something that a cell needs will be made again."""
    return any(why.get(getattr(stage, "name", "")) or stale(repo, stage) for stage in upstream(repo, cell))


def _names(cells: Iterable[Cell]) -> list[str]:
    return [cell.name for cell in cells]


def _listed(cells: list[Cell]) -> str:
    names = ", ".join(_names(cells))
    return names if len(cells) < 4 else f"{len(cells)} cells ({names})"
