"""Threads for requests that wait: a run that ends early does not wait for theirs, as `concurrent.futures` would."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any


class Workers:
    """A number of daemon threads that call what they are given."""

    def __init__(self, count: int, name: str) -> None:
        self._queue: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._count = count
        for number in range(count):
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    def submit(self, call: Callable[[], Any]) -> Future[Any]:
        """Return the future of what `call` returns or raises."""
        future: Future[Any] = Future()
        self._queue.put((future, call))
        return future

    def close(self) -> None:
        """Forget what has not begun; what is under way is left to itself."""
        try:
            while True:
                self._queue.get_nowait()
        except Empty:
            pass
        for _ in range(self._count):
            self._queue.put(None)

    def _work(self) -> None:
        while (given := self._queue.get()) is not None:
            future, call = given
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)
