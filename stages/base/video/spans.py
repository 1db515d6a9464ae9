"""Windows of long videos: a path with a media fragment, such as `recording.mp4#t=12,14`.

The fragment is that of W3C's Media Fragments URI 1.0 (section 4.2.1, normal play time in seconds). Whoever decodes
such a path through this room gets the frames of the window and no others, as if it were a video of its own.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: Times are told apart by this much, seconds: container clocks tick in milliseconds or finer.
TICK = 5e-4

_FRAGMENT = re.compile(r"(?P<file>.+)#t=(?P<start>\d+(?:\.\d+)?),(?P<end>\d+(?:\.\d+)?)", re.DOTALL)


class Span(NamedTuple):
    """From `start` (included) to `end` (not included), seconds from the video's first frame."""

    start: float
    end: float

    def holds(self, time: float) -> bool:
        """Whether a frame of this time is in the span."""
        return self.start - TICK <= time < self.end - TICK


class Located(NamedTuple):
    """A file, and the part of it that is meant; null: all of it."""

    file: str
    span: Span | None


def located(path: object) -> Located:
    """Return the file and the span of a path."""
    match = _FRAGMENT.fullmatch(str(path))
    if match is None:
        return Located(str(path), None)
    return Located(match["file"], Span(float(match["start"]), float(match["end"])))


def fragment(file: object, span: Span) -> str:
    """Return the path of a span of a file; times are rounded to microseconds."""
    return f"{file}#t={_plain(span.start)},{_plain(span.end)}"


def _plain(seconds: float) -> str:
    return f"{seconds:.6f}".rstrip("0").rstrip(".")
