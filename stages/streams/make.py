"""A back end by its params; torch and weights are loaded only where they are needed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from stages.streams.finder import Finder
from stages.streams.params import BlazePoseParams, FinderParams, OpenCVParams, TruthParams, VideoParams


@cache  # once a process, which then goes through many clips
def finder(params: FinderParams, truth: Path | None, device: str) -> Finder:
    """Return who finds people.

    Raises:
        InputError: a table or a model is missing.
    """
    if isinstance(params, TruthParams):
        from stages.streams.truth import Truth

        return Truth(truth, params.pair)
    if isinstance(params, OpenCVParams):
        from stages.streams.still_camera import StillCamera

        return StillCamera(params)
    if isinstance(params, BlazePoseParams):
        from stages.streams.poses import Poses

        return Poses(params)
    from stages.streams.sam2 import Sam2

    return Sam2(params, device)


def side_by_side(params: FinderParams, processes: int) -> int:
    """Return how many clips are gone through at once: as many as there are processes, one for a model on a GPU."""
    return 1 if isinstance(params, VideoParams) else processes
