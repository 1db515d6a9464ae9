"""Independent cells next to each other: `python -m stages.cells.side_by_side --jobs 2 [target ...]`, or `make cells`.

`dvc repro` runs one cell after the other, and two of them at a time block each other at the first stage that both want.
Here DVC's graph says the order, and each cell that may have to run is a `dvc repro -s` of its own, up to `jobs` at a
time; afterwards `dvc repro` finds nothing to do. Where `compute.yaml` says `engine: ray`, each is a task of Ray's on
this machine, which holds `ray: {gpus}` GPUs and sees no others; its samples and its training then stay in it.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from stages.base.errors import InputError, guard
from stages.base.parallel.cluster import Held, room_here
from stages.base.params import compute
from stages.cells.changed import has_changed
from stages.cells.order import run_in_order
from stages.cells.process import Process, Running, repro

#: What cells say; DVC has its own `.gitignore` there.
LOGS = Path(".dvc/tmp/cells")


def to_run(targets: list[str]) -> dict[str, set[str]]:
    """Return what may have to run for some targets, in DVC's order: the address of each -> those that it needs.

    A cell may have to run if it has changed, or if one that it needs may have to; DVC then says whether it does.

    Args:
        targets: as `dvc repro` takes them; none is the pipeline of the working directory.

    Raises:
        InputError: DVC knows no such target, or another process is at work at one of the cells.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro

    found: dict[str, set[str]] = {}
    try:
        with Repo(_wait_for_lock=True) as repo, repo.lock:
            graph = get_active_graph(repo.index.graph)
            for stage in plan_repro(graph, collect_stages(repo, targets or ["dvc.yaml"])):
                before = {one.addressing for one in graph.successors(stage)} & found.keys()
                if before or has_changed(stage):
                    found[stage.addressing] = before
    except DvcException as error:
        raise InputError(f"DVC cannot read the graph: {error}", do="correct it, or the target") from error
    return found


def log_of(address: str) -> Path:
    """Return the file of what a cell says."""
    return LOGS / f"{re.sub(r'[^A-Za-z0-9@.-]', '_', address)}.log"


def starter() -> tuple[Callable[[str], Running], int | None]:
    """Return what starts a cell by its address, and how many at a time this machine has room for, if that is known."""
    if compute().engine == "local":
        return lambda address: Process(address, log_of(address)), None
    gpus = compute().ray.gpus
    room = room_here(gpus)
    # What holds the GPUs is the cell: workers or processes of its own would wait for them for ever.
    env = {**os.environ, "HAR_ENGINE": "local", **({"HAR_LAUNCH": ""} if gpus else {})}
    own = ("CUDA_VISIBLE_DEVICES",) if gpus else ()
    return lambda address: Held(partial(repro, address, log_of(address), env, own), gpus), room


def tell(cell: str, code: int, seconds: float) -> None:
    """Print how a cell ended."""
    print(f"cells: {cell}: {f'failed, see {log_of(cell)}' if code else 'done'}, {seconds:.0f} s", flush=True)


def main() -> None:
    """Run what may have to run.

    Raises:
        InputError: a cell failed.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", metavar="target", help="as `dvc repro` takes them")
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time; with Ray no more than it has room for")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    needs = to_run(given.targets)
    if not needs:
        print("cells: nothing has changed")
        return
    start, room = starter()
    jobs = max(1, min(given.jobs, room or given.jobs))
    print(f"cells: {len(needs)} may have to run, {jobs} at a time; what they say is in {LOGS}", flush=True)
    failed, skipped = run_in_order(needs, jobs, start, tell)
    if failed:
        left = f"; {len(skipped)} that need them were not run: {', '.join(skipped)}" if skipped else ""
        do = f"read what they said in {LOGS}; the same command goes on where it stopped"
        raise InputError(f"{len(failed)} of {len(needs)} cells failed: {', '.join(failed)}{left}", do=do)
    print(f"cells: {len(needs)} cells are up to date")


if __name__ == "__main__":
    guard(main)
