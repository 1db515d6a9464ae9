"""Small real videos, and manifest rows of them, for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from stages.ingest.adapters import load
from stages.ingest.manifest_rows import Entry, Row, rows_of


def write_clip(
    path: Path,
    seed: int = 0,
    frames: int = 5,
    ticks: Callable[[int], int] | None = None,
    size: tuple[int, int] = (32, 24),
) -> Path:
    """Write a video of a few frames at 10 frames a second, of `size` (W, H); another seed gives other bytes.

    `ticks` gives the time of each frame, tenths of a second, where the rate varies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for place in range(frames):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 255, (*size[::-1], 3), dtype=np.uint8), format="rgb24")
            if ticks is not None:
                frame.pts, frame.time_base = ticks(place), Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def smarthome_rows(*names: str) -> list[Row]:
    """Return the rows of Smarthome clip names, as a replay has them."""
    return rows_of([Entry(name, name) for name in names], load("smarthome"))
