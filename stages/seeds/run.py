"""Run the cells that have to run, several at a time: each in a DVC process of its own."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

from stages.base.errors import InputError
from stages.cells.order import run_in_order
from stages.cells.process import Process
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
    todo = {cell.title: cell for cell in wanted if force or cell.stale}
    print(f"seeds: {len(wanted)} cells, {len(todo)} to run, {jobs} at a time", flush=True)

    def log(cell: Cell) -> Path | None:
        # Texts of several at a time would be mixed, so they lie in files.
        return FOLDER / f"{cell.dataset}_{cell.out.stem}.log" if jobs > 1 else None

    def start(title: str) -> Process:
        # What a cell is made from is the shipped run as it is; to bring that up to date is `make repro`.
        return Process(todo[title].address, log(todo[title]), force)

    def tell(title: str, code: int, seconds: float) -> None:
        how = "done" if code == 0 else f"failed, see {log(todo[title]) or 'above'}"
        print(f"seeds: {title}: {how}, {seconds:.0f} s", flush=True)

    def workspace(title: str) -> tuple[int, str, str]:
        # Cells of one changed seed share a workspace, which is one repository: they take turns.
        return todo[title].draw, todo[title].recipe, todo[title].key

    ended = run_in_order(dict.fromkeys(todo, ()), jobs, start, tell, workspace)
    if ended.failed:
        raise InputError(
            f"{len(ended.failed)} of {len(todo)} cells failed: {', '.join(ended.failed)}",
            do="read what they said; `make seeds` goes on where they stopped",
        )
