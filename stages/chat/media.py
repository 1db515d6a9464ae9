"""The three videos of a sample: a clip with a track (made on the fly from its streams), or files of their own.

`clip.avi#track=1` is the dimension `track` of W3C's Media Fragments URI 1.0 (section 4.2.3): the clip with all but the
person of track 1 masked out, 2 for the other, 0 for what is neither. A window keeps its time: `clip.avi#t=2,4&track=1`.
Whoever opens such a path splits it with `tracked` and masks with `stages/base/video/streams`.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from stages.base.video.decode import iterate
from stages.base.video.encode import VideoWriter
from stages.base.video.streams import Streams, media

#: A sample's video -> the track that it shows; 0 is what is neither person.
TRACKS = {"p1": 1, "p2": 2, "bg": 0}

_FRAGMENT = re.compile(r"(?P<file>.+?)#(?P<time>t=[0-9.]+,[0-9.]+)?(?P<and>&?)track=(?P<track>\d+)", re.DOTALL)


class Tracked(NamedTuple):
    """A path, and the track of its streams that is meant."""

    path: str
    """With the time of a window, as `stages/base/video` decodes it."""
    track: int | None
    """None: all of it."""

    @property
    def file(self) -> str:
        """The path without fragment."""
        return re.sub(r"#t=[0-9.]+,[0-9.]+$", "", self.path)


def tracked(path: str) -> Tracked:
    """Return what a sample's path means."""
    match = _FRAGMENT.fullmatch(path)
    if match is None or bool(match["time"]) != bool(match["and"]):
        return Tracked(path, None)
    time = f"#{match['time']}" if match["time"] else ""
    return Tracked(f"{match['file']}{time}", int(match["track"]))


def referring(path: str, track: int) -> str:
    """Return the path of a track of a clip, or of a window of one."""
    return f"{path}{'&' if '#t=' in path else '#'}track={track}"


def write_media(clip_id: str, path: str, fps: float, streams: Streams, files: dict[str, Path]) -> None:
    """Write the three masked videos of a clip, black where something is masked out; a frame is in memory at a time.

    Args:
        clip_id: of the clip, as its streams have it.
        path: that `stages/base/video` decodes.
        fps: frames a second.
        streams: of the data set.
        files: p1, p2 and bg -> where each goes.

    Raises:
        InputError: the clip cannot be decoded, or its masks are of another size.
    """
    rows = streams.rows(clip_id)
    with ExitStack() as stack:
        writers = [stack.enter_context(VideoWriter(files[name], fps)) for name in ("p1", "p2", "bg")]
        for place, frame in enumerate(iterate(path)):
            shown = media(frame.rgb()[None], rows, [place])
            for writer, pictures in zip(writers, shown, strict=True):
                writer.add(pictures[0])
