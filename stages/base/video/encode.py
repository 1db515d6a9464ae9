"""Frames to a video file, one at a time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
import numpy.typing as npt


class VideoWriter:
    """H.264 in MP4; one thread and fixed settings, so that equal frames give equal bytes. Use as a context manager."""

    def __init__(self, path: Path, fps: float) -> None:
        """Open a file for frames of one size, `fps` of them a second."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = av.open(str(path), "w", format="mp4")
        self._stream = self._file.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        self._stream.pix_fmt = "yuv420p"
        # Kernels of newer processors give other bytes now and then.
        self._stream.options = {"preset": "veryfast", "crf": "18", "threads": "1", "x264-params": "cpu-independent=1"}
        self._stream.codec_context.thread_count = 1
        self._opened = False

    def add(self, frame: npt.NDArray[np.uint8]) -> None:
        """Append a frame (H, W, 3), RGB; an odd height or width gets a black row or column, which H.264 asks for."""
        even = np.pad(frame, ((0, frame.shape[0] % 2), (0, frame.shape[1] % 2), (0, 0)))
        if not self._opened:
            self._stream.height, self._stream.width = even.shape[:2]
            self._opened = True
        self._file.mux(self._stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._opened:
            self._file.mux(self._stream.encode())
        self._file.close()
