"""A folder a class: `waving/anything.mp4`. Names say nothing of subjects or cameras: use the protocol `random`."""

from __future__ import annotations

from stages.ingest.adapters import Named

GRAMMAR = "{class}/{clip}"


def parse(name: str) -> Named | None:
    """Return what a path says: the folder that the clip lies in is its class, the path below the source its id."""
    folder, mark, _ = name.rpartition("/")
    return Named(name, (folder.rpartition("/")[2],)) if mark else None
