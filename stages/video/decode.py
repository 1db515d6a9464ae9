"""Clips decoded by PyAV: upright RGB frames in presentation order, and what decoding a file from end to end shows.

What a container says about its frames is not believed: counts, rates and sizes come from the decoded frames. A clip
whose decoding stops with an error before its end is unusable as a whole, however many frames came before: half an
activity is another sample than the one that was labelled. What the decoder conceals by itself (a lost macroblock)
is usable, as it is for every other reader built on FFmpeg.

One thread a clip: the same bytes everywhere, and the cores are for clips side by side.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from stages.core.errors import InputError

Image = npt.NDArray[np.uint8]

#: Python's own collector sees a few small objects in the cycle in which PyAV leaves a frame, not the picture's bytes,
#: and would let them pile up; collecting once in so many clips keeps memory flat and costs nothing to speak of.
_COLLECT = 16
_opened = itertools.count(1)

#: A frame may be decoded this many frames before or after its place: the most that H.264 and HEVC allow.
_REORDER = 16


class Probe(NamedTuple):
    """What decoding a file from end to end shows; None where nothing decoded.

    `fps` is frames a second from the first frame's time to the last's, `duration` seconds including the last frame's
    own, `width` and `height` pixels of the upright frame; `error` says why the file is unusable (else None).
    """

    frames: int | None
    fps: float | None
    duration: float | None
    width: int | None
    height: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame that is not yet converted: its place in presentation order, and seconds from the first frame."""

    index: int
    time: float
    picture: VideoFrame
    converter: VideoReformatter
    matrix: npt.NDArray[np.int32] | None
    """Display matrix of the clip's first frame, by which all of its frames are turned upright."""

    def rgb(self) -> Image:
        """Return the upright image, uint8 (H, W, 3) RGB. Pixels are as stored: no aspect ratio is applied."""
        # A converter of its own for each frame, PyAV's default, is set up for longer than it converts.
        converted = self.converter.reformat(self.picture, format="rgb24", threads=1)
        (plane,) = converted.planes
        padded = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        image = padded[:, : 3 * plane.width].reshape(plane.height, plane.width, 3)
        return _upright(image, self.matrix)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright image, pixels."""
        width, height = self.picture.width, self.picture.height
        return (height, width) if self.matrix is not None and _swaps_axes(self.matrix) else (width, height)


def iterate(path: str | Path) -> Iterator[Frame]:
    """Yield a clip's frames one by one in presentation order.

    Raises:
        InputError: the file cannot be decoded to its end; the message says what is wrong and after how many frames.
    """
    count = 0
    try:
        for frame in _frames(path):
            yield frame
            count += 1
    except (av.FFmpegError, _UnusableError) as error:
        raise InputError(
            _what(path, count, error), file=path, do="leave it out, or ingest again if it changed"
        ) from None


def read_frames(
    path: str | Path, indices: Sequence[int] | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Return frames uint8 (T, H, W, 3) RGB, upright, and their times (T,) in seconds from the first frame.

    With `indices` (places in presentation order, in any order, repeats allowed) only those are converted and held,
    and decoding stops after the last of them.

    Raises:
        InputError: the file cannot be decoded so far, or has no frame of such an index.
    """
    wanted = None if indices is None else set(indices)
    images: dict[int, Image] = {}
    times: dict[int, float] = {}
    last = -1
    if wanted != set():
        for frame in iterate(path):
            last = frame.index
            if wanted is None or last in wanted:
                images[last], times[last] = frame.rgb(), frame.time
                if len(images) == (wanted and len(wanted)):
                    break
    order = list(images) if indices is None else list(indices)
    absent = sorted(set(order) - set(images))
    if absent:
        raise InputError(f"has {last + 1} frames, no frame {absent[0]}", file=path, do="ingest again if it changed")
    stacked = np.stack([images[index] for index in order]) if order else np.empty((0, 0, 0, 3), np.uint8)
    return stacked, np.array([times[index] for index in order], np.float64)


def probe(path: str | Path) -> Probe:
    """Decode a file from end to end and return what it holds. Never raises for what is in the file, or missing."""
    count, size, frame = 0, None, None
    try:
        for frame in _frames(path):
            size = size or frame.size
            count += 1
    except (av.FFmpegError, _UnusableError) as error:
        why: str | None = _what(path, count, error)
    else:
        why = None if count else "no frame decodes"
    if frame is None or size is None:
        return Probe(None, None, None, None, None, why)
    own = _own_duration(frame.picture)
    fps = (count - 1) / frame.time if frame.time else (1 / own if own else None)
    duration = frame.time + (own or (1 / fps if fps else 0.0))
    return Probe(count, None if fps is None else round(fps, 6), round(duration, 6), *size, why)


class _UnusableError(Exception):
    """A file that FFmpeg reads and we cannot use."""


def _frames(path: str | Path) -> Iterator[Frame]:
    if next(_opened) % _COLLECT == 0:
        gc.collect()
    with av.open(str(path), metadata_errors="replace") as container:
        assert isinstance(container, InputContainer)
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise _UnusableError("it has no video stream")
        if stream.codec_context is None:
            raise _UnusableError("no decoder for its codec is known")
        stream.codec_context.thread_count = 1
        start, size, matrix, converter = None, None, None, VideoReformatter()
        for index, (tick, picture) in enumerate(_in_order(_timed(container, stream))):
            if start is None:
                # Once a clip: looking costs half as much as decoding the frame, and leaves it in a reference cycle.
                start, matrix = tick, _display_matrix(picture)
            frame = Frame(index, float((tick - start) * _base(stream)), picture, converter, matrix)
            size = size or frame.size
            if frame.size != size:
                raise _UnusableError(f"the frame size changes from {size} to {frame.size}")
            yield frame


def _timed(container: InputContainer, stream: VideoStream) -> Iterator[tuple[int, VideoFrame]]:
    """Yield frames as the decoder gives them, with their presentation times in ticks of the stream's time base."""
    # An AVI stores no presentation times. FFmpeg makes them up from the decoding times, and with packed B-frames they
    # jump to and fro; the decoder's own order is right there, and the decoding times give the pace.
    by_decoding = container.format.name == "avi"
    rate = stream.average_rate or stream.guessed_rate
    step = max(1, round(1 / rate / _base(stream))) if rate else 1
    last: int | None = None
    for picture in container.decode(stream):
        tick = picture.dts if by_decoding else picture.pts
        if tick is None or (by_decoding and last is not None and tick <= last):
            tick = 0 if last is None else last + (picture.duration or step)
        last = tick
        yield tick, picture


def _in_order(timed: Iterator[tuple[int, VideoFrame]]) -> Iterator[tuple[int, VideoFrame]]:
    """Yield in the order of the ticks, also what came before an error; few frames are held."""
    held: list[tuple[int, int, VideoFrame]] = []
    last = -math.inf
    error: Exception | None = None
    try:
        for arrival, (tick, picture) in enumerate(timed):
            if tick < last:
                raise _UnusableError(f"frame times go back by more than {_REORDER} frames")
            heapq.heappush(held, (tick, arrival, picture))
            if len(held) > _REORDER:
                last, _, earliest = heapq.heappop(held)
                yield int(last), earliest
    except (av.FFmpegError, _UnusableError) as stopped:
        error = stopped
    while held:
        tick, _, earliest = heapq.heappop(held)
        yield tick, earliest
    if error is not None:
        raise error


def _base(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1)


def _own_duration(picture: VideoFrame) -> float | None:
    if not picture.duration or picture.time_base is None:
        return None
    return float(picture.duration * picture.time_base)


def _what(path: str | Path, count: int, error: Exception) -> str:
    """Say in a line what is wrong with a file."""
    if not isinstance(error, av.FFmpegError):
        return f"unusable after {count} frames: {error}" if count else str(error)
    if count:
        return f"decoding stopped after {count} frames: {error.strerror}"
    try:
        with open(path, "rb") as stream:
            empty = not stream.read(1)
    except OSError as unreadable:
        return f"the file cannot be read: {unreadable.strerror}"
    if empty:
        return "the file is empty"
    at = "not a video that FFmpeg can open" if error.filename == str(path) else "no frame decodes"
    return f"{at}: {error.strerror}"


def _display_matrix(picture: VideoFrame) -> npt.NDArray[np.int32] | None:
    """Return the upper left 2 x 2 of the display matrix, None where there is none."""
    data = picture.side_data.get("DISPLAYMATRIX")
    return np.frombuffer(bytes(data), "<i4").reshape(3, 3)[:2, :2] if isinstance(data, SideData) else None


def _swaps_axes(matrix: npt.NDArray[np.int32]) -> bool:
    (a, b), (c, d) = np.abs(matrix.astype(np.int64)).tolist()
    return bool(b + c > a + d)


def _upright(image: Image, matrix: npt.NDArray[np.int32] | None) -> Image:
    """Turn and mirror an image by its display matrix, to the nearest quarter turn.

    The matrix takes (x, y) to (a x + c y, b x + d y), y downwards (libavutil/display.h).
    """
    if matrix is None:
        return image
    (a, b), (c, d) = matrix.tolist()
    if _swaps_axes(matrix):
        image, across, down = np.swapaxes(image, 0, 1), c, b
    else:
        across, down = a, d
    return np.ascontiguousarray(image[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])
