"""Small clips made by the tests: lossless, so that a decoded frame equals the frame that went in."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def noise(count, height=48, width=64, seed=0):
    """Return random frames (T, H, W, 3), each unlike the others."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


def write_clip(path: Path, frames: Sequence[np.ndarray], ticks: Sequence[int] | None = None, rate: int = 10) -> Path:
    """Write frames as PNG into a .mov; `ticks` are presentation times in 1/1000 s."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ticks = [1000 * place // rate for place in range(len(frames))] if ticks is None else ticks
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=rate)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "rgb24"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        packets = []
        for place, image in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            picture.pts, picture.time_base = place, Fraction(1, 1000)
            packets += stream.encode(picture)
        packets += stream.encode()
        for place, packet in enumerate(packets):
            packet.pts, packet.dts, packet.duration = ticks[place], place - len(packets), 1000 // rate
            packet.stream = stream
            container.mux(packet)
    return path
