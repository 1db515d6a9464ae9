"""EPIC-KITCHENS-100 (Damen et al., IJCV 2022): segments of long videos, each narrated, with a verb and a noun."""

from __future__ import annotations

from stages.annotated.epic_kitchens import read as annotated
from stages.ingest.adapters import Named

GRAMMAR = "{participant}_{video}, such as P01/videos/P01_11.MP4"


def parse(name: str) -> Named:
    """Return what a video's name says; a group is a video."""
    video = name.rpartition("/")[2]
    return Named(video, (), video.partition("_")[0], None, video)


__all__ = ["GRAMMAR", "annotated", "parse"]
