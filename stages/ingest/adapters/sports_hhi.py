"""SportsHHI (Wu et al., CVPR 2024): who does what to whom at a key frame of a match, in CSV lists."""

from __future__ import annotations

from stages.annotated.sports_hhi import read as annotated
from stages.ingest.adapters import Named

GRAMMAR = "{video}, as the lists name it"


def parse(name: str) -> Named:
    """Return what a video's name says."""
    return Named(name.rpartition("/")[2], ())


__all__ = ["GRAMMAR", "annotated", "parse"]
