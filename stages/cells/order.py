"""Cells in the order of a graph, several at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import NamedTuple

from stages.cells.process import LOOK, Running, stop


class Ended(NamedTuple):
    """Cells that did not do what they should."""

    failed: list[str]
    """Ended in an error."""
    skipped: list[str]
    """Need one of those."""


def run_in_order(
    needs: Mapping[str, Collection[str]],
    jobs: int,
    start: Callable[[str], Running],
    tell: Callable[[str, int, float], None],
    turns: Callable[[str], Hashable] = lambda cell: cell,
) -> Ended:
    """Run cells, each after those that it needs; one that fails stops what needs it and nothing else.

    An interruption ends those that work before it is passed on.

    Args:
        needs: cell -> the cells that it needs, of the same mapping; the first ones go first where they can.
        jobs: cells at a time.
        start: starts one.
        tell: is told of each that has ended: its exit status and the seconds that it took.
        turns: cells of which this is the same take turns.
    """
    waiting, done = list(needs), set[str]()
    running: dict[str, tuple[Running, float]] = {}
    ended = Ended([], [])
    try:
        while waiting or running:
            for cell in list(waiting):
                if any(need in ended.failed or need in ended.skipped for need in needs[cell]):
                    ended.skipped.append(cell)
                    waiting.remove(cell)
                elif (
                    len(running) < jobs
                    and done.issuperset(needs[cell])
                    and turns(cell) not in [turns(other) for other in running]
                ):
                    waiting.remove(cell)
                    running[cell] = start(cell), time.monotonic()
            time.sleep(LOOK)
            for cell, (process, began) in list(running.items()):
                if (code := process.poll()) is None:
                    continue
                del running[cell]
                ended.failed.append(cell) if code else done.add(cell)
                tell(cell, code, time.monotonic() - began)
    finally:
        stop([process for process, _ in running.values()])
    return ended
