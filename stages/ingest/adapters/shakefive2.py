"""ShakeFive2 (van Gemeren et al., 2014): two people meet; the act of each frame is in an XML file a clip."""

from __future__ import annotations

from stages.annotated.shakefive2 import read as annotated
from stages.ingest.adapters import Named

GRAMMAR = "{clip}, the name of its XML file"


def parse(name: str) -> Named:
    """Return what a video's name says."""
    return Named(name.rpartition("/")[2], ())


__all__ = ["GRAMMAR", "annotated", "parse"]
