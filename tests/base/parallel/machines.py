"""A cluster's machines on this computer, each a raylet with its processes."""

from __future__ import annotations

from typing import Any


def pids(node: Any, *kinds: str) -> list[int]:
    """Return the processes of a machine; given kinds, of these only."""
    found = node.all_processes.items()
    return [info.process.pid for kind, infos in found for info in infos if not kinds or kind in kinds]
