"""Contact sheet of a scene's classes: a row a class, frames spread over one clip of it."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

COLUMNS, CAPTION = 4, 18


def pick(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the frames of a clip (T, H, W, 3) that the sheet shows (4, H, W, 3)."""
    return np.asarray(frames[np.linspace(0, len(frames) - 1, COLUMNS).round().astype(int)])


def sheet(classes: Mapping[str, NDArray[np.uint8]], across: int = 2, enlarge: int = 1) -> bytes:
    """Return a PNG of the classes' frames, each (4, H, W, 3), RGB, in the order given, `across` classes a row."""
    cells = [_cell(name, frames, enlarge) for name, frames in classes.items()]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % across)
    rows = [np.hstack(cells[i : i + across]) for i in range(0, len(cells), across)]
    ok, data = cv2.imencode(".png", cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
    assert ok
    return bytes(data.tobytes())


def _cell(name: str, frames: NDArray[np.uint8], enlarge: int) -> NDArray[np.uint8]:
    size = (frames.shape[2] * enlarge, frames.shape[1] * enlarge)
    strip = np.hstack([cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in frames])
    head = np.full((CAPTION, strip.shape[1], 3), 255, np.uint8)
    cv2.putText(head, name, (4, CAPTION - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    edge = np.full((CAPTION + strip.shape[0], 6, 3), 255, np.uint8)
    return np.hstack([np.vstack([head, strip]), edge])
