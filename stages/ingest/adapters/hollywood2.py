"""Hollywood2, actions (Marszalek et al., CVPR 2009): clips of films, with several labels or one, in lists a class."""

from __future__ import annotations

from stages.annotated.hollywood2 import read as annotated
from stages.ingest.adapters import Named

GRAMMAR = "actionclip{train or test}{number}, such as actioncliptrain00001"


def parse(name: str) -> Named:
    """Return what a video's name says."""
    return Named(name.rpartition("/")[2], ())


__all__ = ["GRAMMAR", "annotated", "parse"]
