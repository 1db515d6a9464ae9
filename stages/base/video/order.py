"""Decoded frames in the order of their times, whatever the container says about them."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

#: A frame may be decoded this many frames before or after its place: the most that H.264 and HEVC allow.
REORDER = 16


class UnusableError(Exception):
    """A file that FFmpeg reads and we cannot use."""


def timed(container: InputContainer, stream: VideoStream) -> Iterator[tuple[int, VideoFrame]]:
    """Yield frames as the decoder gives them, with their presentation times in ticks of the stream's time base."""
    # An AVI stores no presentation times. FFmpeg makes them up from the decoding times, and with packed B-frames they
    # jump to and fro; the decoder's own order is right there, and the decoding times give the pace.
    by_decoding = container.format.name == "avi"
    rate = stream.average_rate or stream.guessed_rate
    step = max(1, round(1 / rate / time_base(stream))) if rate else 1
    last: int | None = None
    for picture in container.decode(stream):
        tick = picture.dts if by_decoding else picture.pts
        if tick is None or (by_decoding and last is not None and tick <= last):
            tick = 0 if last is None else last + (picture.duration or step)
        last = tick
        yield tick, picture


def in_order(found: Iterator[tuple[int, VideoFrame]]) -> Iterator[tuple[int, VideoFrame]]:
    """Yield in the order of the ticks, also what came before an error; few frames are held."""
    held: list[tuple[int, int, VideoFrame]] = []
    last = -math.inf
    error: Exception | None = None
    try:
        for arrival, (tick, picture) in enumerate(found):
            if tick < last:
                raise UnusableError(f"frame times go back by more than {REORDER} frames")
            heapq.heappush(held, (tick, arrival, picture))
            if len(held) > REORDER:
                last, _, earliest = heapq.heappop(held)
                yield int(last), earliest
    except (av.FFmpegError, UnusableError) as stopped:
        error = stopped
    while held:
        tick, _, earliest = heapq.heappop(held)
        yield tick, earliest
    if error is not None:
        raise error


def time_base(stream: VideoStream) -> Fraction:
    """Return the seconds of a tick."""
    return stream.time_base or Fraction(1)
