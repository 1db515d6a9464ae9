"""A bound on the time that a process may work on one item."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def within(function: Callable[[T], R], seconds: float, item: T) -> R:
    """Return `function(item)`, or let the alarm kill this process: its default action needs no interpreter."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return function(item)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
