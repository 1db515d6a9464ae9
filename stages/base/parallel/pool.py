"""Work spread over processes: bounded memory, results as they come, a worker's crash costs one item and not the run."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from itertools import islice
from typing import TypeVar

from stages.base.parallel.cluster import cluster_map
from stages.base.parallel.crashed import Crashed
from stages.base.parallel.timed import within
from stages.base.params import compute

T = TypeVar("T")
R = TypeVar("R")

#: Items under way for each process: enough that none waits, few enough that memory does not grow with the items.
_AHEAD = 8


def parallel_map(
    function: Callable[[T], R], items: Iterable[T], processes: int, seconds: float | None = None
) -> Iterator[tuple[T, R | Crashed]]:
    """Yield each item with `function(item)` in any order; an item whose process dies is tried once more, alone.

    `function` must be importable (a module's own function or a `partial` of one). What it raises is raised here. With
    `seconds`, a process that works longer on an item is killed: a decoder in C that hangs cannot be asked to stop.
    Where `compute.yaml` says `engine: ray`, the workers of a cluster do the work, however many `processes` are given.
    """
    if seconds is not None:
        function = partial(within, function, seconds)
    if compute().engine == "ray":
        yield from cluster_map(function, items, seconds)
        return
    waiting = iter(items)
    unfinished: list[T] | None = None
    while unfinished is None or unfinished:
        unfinished = []
        yield from _until_crash(function, waiting, processes, unfinished)
        for item in unfinished:
            # One process an item: whose crash it was is then certain.
            alone: list[T] = []
            start = time.monotonic()
            yield from _until_crash(function, iter([item]), 1, alone)
            if alone and seconds is not None and time.monotonic() - start >= seconds:
                yield item, Crashed(f"not done after {seconds:g} s, twice")
            elif alone:
                yield item, Crashed("the process that worked on it died, twice")


def _until_crash(
    function: Callable[[T], R], waiting: Iterator[T], processes: int, unfinished: list[T]
) -> Iterator[tuple[T, R]]:
    """Work until `waiting` is empty or a process dies; what was under way then goes to `unfinished`."""
    # Spawned, not forked: a fork of a process with threads (polars, OpenCV) may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_end_with_parent) as pool:
        running: dict[Future[R], T] = {}

        def start(count: int) -> None:
            for item in islice(waiting, count):
                try:
                    running[pool.submit(function, item)] = item
                except BrokenProcessPool:
                    unfinished.append(item)

        start(processes * _AHEAD)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                item = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    unfinished.append(item)
                    continue
                if not unfinished:
                    start(1)
                yield item, result


def _end_with_parent() -> None:
    """Let this process end when its parent is killed; a pool's processes would wait for work forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
