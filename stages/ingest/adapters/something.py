"""Something-Something V2 and Something-Else: a video a clip, named by its id, labelled by templates in JSON lists."""

from __future__ import annotations

from stages.annotated.something import read as annotated
from stages.ingest.adapters import Named

GRAMMAR = "{id}, such as 78687.webm"


def parse(name: str) -> Named:
    """Return what a video's name says."""
    return Named(name.rpartition("/")[2], ())


__all__ = ["GRAMMAR", "annotated", "parse"]
