"""JPL First-Person Interaction (Ryoo and Matthies, CVPR 2013): what people do to the one who carries the camera."""

from __future__ import annotations

from stages.annotated.jpl_interaction import read as annotated
from stages.ingest.adapters import Named

GRAMMAR = "{sequence}_{clip}, such as 11_5"


def parse(name: str) -> Named:
    """Return what a video's name says."""
    return Named(name.rpartition("/")[2], ())


__all__ = ["GRAMMAR", "annotated", "parse"]
