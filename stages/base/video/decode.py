"""Clips decoded by PyAV: upright RGB frames in presentation order, and what decoding a file from end to end shows.

What a container says about its frames is not believed: counts, rates and sizes come from the decoded frames. A clip
whose decoding stops with an error before its end is unusable as a whole, however many frames came before: half an
activity is another sample than the one that was labelled. What the decoder conceals by itself (a lost macroblock)
is usable, as it is for every other reader built on FFmpeg.

Every path may be that of a window (`stages.base.video.spans`): then its frames are counted and timed from the window's
first one. A window is decoded from the last frame before it from which decoding can start, where the container has an
index.

One thread a clip: the same bytes everywhere, and the cores are for clips side by side.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from stages.base.errors import InputError
from stages.base.video.order import UnusableError, in_order, time_base, timed
from stages.base.video.spans import TICK, Span, located
from stages.base.video.upright import Image as Image  # for whoever reads frames
from stages.base.video.upright import display_matrix, swaps_axes, upright

#: Containers with an index by which a frame is found exactly; in others a window is decoded from the file's start.
_INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")


#: How an error begins of a video whose frames are larger than is allowed.
TOO_LARGE = "its frames are too large"


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
    """A decoded frame that is not yet converted: its place in presentation order, and seconds from the first frame.

    Both count within the window where the path is that of one.
    """

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
        return upright(image, self.matrix)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright image, pixels."""
        width, height = self.picture.width, self.picture.height
        return (height, width) if self.matrix is not None and swaps_axes(self.matrix) else (width, height)


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
    except (av.FFmpegError, UnusableError) as error:
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
    return timed_probe(path)[0]


def too_large(width: int, height: int, most: int) -> str:
    """Say that a video's frames have more than `most` pixels."""
    return f"{TOO_LARGE}: {width} x {height} pixels, {most} are allowed (`pixels` of `ingest`)"


def timed_probe(path: str | Path, most: int | None = None) -> tuple[Probe, list[float]]:
    """Return the same with the time of each frame that decoded, seconds from the first.

    Frames of more than `most` pixels are not decoded, whatever the container says of their size.
    """
    count, size, frame, times = 0, None, None, []
    try:
        for frame in _frames(path, most):
            size = size or frame.size
            times.append(frame.time)
            count += 1
    except (av.FFmpegError, UnusableError) as error:
        why: str | None = _what(path, count, error)
    else:
        why = None if count else "no frame decodes"
    if frame is None or size is None:
        return Probe(None, None, None, None, None, why), times
    own = _own_duration(frame.picture)
    fps = (count - 1) / frame.time if frame.time else (1 / own if own else None)
    duration = frame.time + (own or (1 / fps if fps else 0.0))
    return Probe(count, None if fps is None else round(fps, 6), round(duration, 6), *size, why), times


def _frames(path: str | Path, most: int | None = None) -> Iterator[Frame]:
    file, span = located(path)
    # Decoders fill sizes up to whole blocks. To open a file is to decode some frames of it already, for what they are.
    limit = {} if most is None else {"max_pixels": str(2 * most + 2**16)}
    with av.open(file, metadata_errors="replace", options=limit) as container:
        assert isinstance(container, InputContainer)
        stream = _stream(container)
        if most is not None:
            width, height = stream.codec_context.width, stream.codec_context.height
            if width * height > most:
                raise UnusableError(too_large(width, height, most))
            stream.codec_context.options = limit  # of what the stream itself then says
        index, size, converter = 0, None, VideoReformatter()
        origin, first = None, 0.0
        for tick, picture in in_order(timed(container, stream)) if span is None else _from(container, stream, span):
            if origin is None:
                # Once a clip: looking costs half as much as decoding the frame.
                origin = _Origin(tick, display_matrix(picture)) if span is None else _origin(file, _stamp(file))
            time = float((tick - origin.tick) * time_base(stream))
            if span is not None and not span.holds(time):
                if time < span.start:
                    continue
                break
            first = time if index == 0 else first
            frame = Frame(index, time - first, picture, converter, origin.matrix)
            size = size or frame.size
            if most is not None and size[0] * size[1] > most:
                raise UnusableError(too_large(*size, most))
            if frame.size != size:
                raise UnusableError(f"the frame size changes from {size} to {frame.size}")
            yield frame
            index += 1


class _Origin(NamedTuple):
    """What the first frame of a file says about all of them: the tick at which time is 0, and how they are turned."""

    tick: int
    matrix: npt.NDArray[np.int32] | None


def _stream(container: InputContainer) -> VideoStream:
    stream = container.streams.best("video")
    if not isinstance(stream, VideoStream):
        raise UnusableError("it has no video stream")
    if stream.codec_context is None:
        raise UnusableError("no decoder for its codec is known")
    stream.codec_context.thread_count = 1
    return stream


def _stamp(file: str) -> tuple[int, int]:
    """Return what tells a file from another of the same name; nothing where it is not there."""
    try:
        seen = os.stat(file)
    except OSError:
        return 0, 0
    return seen.st_mtime_ns, seen.st_size


@lru_cache(maxsize=256)  # windows of one recording come one after the other
def _origin(file: str, stamp: tuple[int, int]) -> _Origin:
    with av.open(file, metadata_errors="replace") as container:
        assert isinstance(container, InputContainer)
        stream = _stream(container)
        for tick, picture in in_order(timed(container, stream)):
            return _Origin(tick, display_matrix(picture))
    return _Origin(0, None)


def _from(container: InputContainer, stream: VideoStream, span: Span) -> Iterator[tuple[int, VideoFrame]]:
    """Yield ticks and frames in order from some frame before the span on."""
    if container.format.name in _INDEXED and span.start > 0:
        origin = _origin(container.name, _stamp(container.name))
        wanted = origin.tick + int((span.start - TICK) / time_base(stream))
        container.seek(wanted, stream=stream)
        found = in_order(timed(container, stream))
        first = next(found, None)
        if first is not None and first[0] <= wanted:
            yield first
            yield from found
            return
        container.seek(origin.tick, stream=stream)  # its index knows no frame before the span
    yield from in_order(timed(container, stream))


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
        with open(located(path).file, "rb") as stream:
            empty = not stream.read(1)
    except OSError as unreadable:
        return f"the file cannot be read: {unreadable.strerror}"
    if empty:
        return "the file is empty"
    at = "not a video that FFmpeg can open" if error.filename == located(path).file else "no frame decodes"
    return f"{at}: {error.strerror}"
