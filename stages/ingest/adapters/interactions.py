"""Two people who do something with each other: a video a clip, classes and sentences in a list beside them."""

from __future__ import annotations

from stages.annotated.interactions import read as annotated
from stages.ingest.adapters import Named

GRAMMAR = "{clip}.mp4, as interactions.csv names it"


def parse(name: str) -> Named:
    """Return what a video's name says."""
    return Named(name.rpartition("/")[2], ())


__all__ = ["GRAMMAR", "annotated", "parse"]
