"""Progress of a long stage: a bar in a terminal, plain lines in a log, one closing line."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar


class Progress:
    """Counts finished samples. Use as a context manager; `advance` as samples finish.

    In a log it prints a line at most every `every` seconds, so that a log stays short and a hang is seen.
    """

    def __init__(self, what: str, total: int, known: int = 0, every: float = 15.0) -> None:
        self.what, self.total, self.known, self.every = what, total, known, every
        self.done = known
        self._last = time.monotonic()
        # When the first samples were finished and how many were by then: they waited for a model to load.
        self._first: tuple[float, int] | None = None
        self._bar: Bar | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty():
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
            )
            self._bar = Bar(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task(self.what, total=self.total, completed=self.known, rate="")
            self._bar.start()
        return self

    def advance(self, count: int = 1) -> None:
        """Count `count` more samples as finished."""
        self.done += count
        now = time.monotonic()
        self._first = self._first or (now, self.done)
        start, before = self._first
        rate = (self.done - before) / max(now - start, 1e-9)
        # A stage that finds them one by one counts them as done; its closing line has their number.
        cached = f", {self.known} from journal" if self.known else ""
        if self._bar:
            self._bar.update(self._task, completed=self.done, rate=f"{rate:.1f}/s{cached}")
        elif now - self._last >= self.every:
            self._last = now
            pace = f", {rate:.1f}/s, {(self.total - self.done) / rate:.0f} s left" if rate else ""
            print(f"{self.what}: {self.done}/{self.total}{pace}{cached}", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()


def closing(stage: str, did: str, skipped: int = 0, failed: Iterable[str] = (), then: str = "") -> None:
    """Print a stage's one closing line: what it did, what the journal cached, what failed, and what happens then."""
    names = list(failed)
    tail = f"; failed {len(names)}: {', '.join(names[:5])}{' ...' if len(names) > 5 else ''}" if names else ""
    print(f"{stage}: {did}; {skipped} from journal{tail}{f'; {then}' if then else ''}", flush=True)
