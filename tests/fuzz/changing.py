"""Mutated inputs for what reads foreign bytes, for a bounded time, with counts of what became of them.

A reader may refuse an input (an `InputError`, a sample that is not there), report a part of it, or read it as it was.
It may not raise anything else, hang, or return another value without a word. `make fuzz SECONDS_A_READER=60` runs each
for a minute with seeds of its own; `make test` tries a few inputs, always the same.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from stages.base.errors import InputError

Outcome = Literal["unchanged", "reported"]

#: How long a reader is given, and after how many seconds it is said to hang.
SECONDS = float(os.environ.get("HAR_FUZZ_SECONDS", "0"))
HANGS = 20
_FEW, _ROUND = 60, 200

Edit = tuple[str, int, bytes]


def edits(
    pieces: Sequence[bytes] | None = None, ops: Sequence[str] = ("insert", "delete", "set", "flip", "cut")
) -> Any:
    """Return a strategy of one to three edits; `pieces` are what is inserted or set, any bytes if null."""
    piece = st.binary(min_size=1, max_size=4) if pieces is None else st.sampled_from(pieces)
    return st.lists(st.tuples(st.sampled_from(ops), st.integers(0, 2**20), piece), min_size=1, max_size=3)


def edited(content: bytes, changes: Sequence[Edit], at: Callable[[bytes], Sequence[int]] | None = None) -> bytes:
    """Return changed bytes; `at` gives the places that may be changed, all of them if null."""
    for op, number, piece in changes:
        places = at(content) if at else range(len(content))
        if not len(places):
            continue
        place = places[number % len(places)]
        if op == "insert":
            content = content[:place] + piece + content[place:]
        elif op == "delete":
            content = content[:place] + content[place + 1 :]
        elif op == "set":
            content = content[:place] + piece + content[place + len(piece) :]
        elif op == "flip":
            content = content[:place] + bytes([content[place] ^ 1 << number % 8]) + content[place + 1 :]
        else:
            content = content[:place]
    return content


def fuzz(name: str, given: Any, attempt: Callable[[Any], Outcome], refusals: tuple[type[Exception], ...] = ()) -> None:
    """Try what `given` draws; print the counts. `attempt` asserts that nothing changed in silence."""
    counts: Counter[str] = Counter()

    def late(*_: object) -> None:
        raise TimeoutError(f"{name} hangs")

    def one(value: Any) -> None:
        counts["inputs"] += 1
        signal.setitimer(signal.ITIMER_REAL, HANGS)
        try:
            counts[attempt(value)] += 1
        except (InputError, *refusals):
            counts["errors"] += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    signal.signal(signal.SIGALRM, late)
    common = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
    if not SECONDS:
        settings(max_examples=_FEW, derandomize=True, **common)(hypothesis.given(given)(one))()
        return
    start, seed = time.monotonic(), 0
    while time.monotonic() - start < SECONDS:
        drawn = settings(max_examples=_ROUND, **common)(hypothesis.given(given)(one))
        hypothesis.seed(seed)(drawn)()
        seed += 1
    said = ", ".join(f"{counts[kind]} {kind}" for kind in ("inputs", "errors", "reported", "unchanged"))
    print(f"\nfuzz {name}: {said}, {seed} seeds")
