"""A clip's frames, gone through once and then looked up: held in memory while they fit, decoded again where not."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from stages.base.video.decode import Frame, Image, iterate

#: Bytes of decoded frames that are held; a clip of some seconds fits. It bounds a process's memory.
HELD_BYTES = 256 * 1024 * 1024


class Clip:
    """Iterate over it once, to the end; then `times` is filled and `images` may be asked."""

    def __init__(self, path: str | Path, held_bytes: int = HELD_BYTES) -> None:
        self.path = path
        #: Seconds from the first frame, of each frame that the iteration passed.
        self.times: list[float] = []
        self._room = held_bytes
        self._held: dict[int, Frame] = {}

    def __iter__(self) -> Iterator[Frame]:
        for frame in iterate(self.path):
            self.times.append(frame.time)
            self._room -= sum(plane.buffer_size for plane in frame.picture.planes)
            if self._room >= 0:
                self._held[frame.index] = frame
            yield frame

    def images(self, indices: Collection[int]) -> Iterator[tuple[int, Image]]:
        """Yield (index, upright RGB image) of the frames asked for, by ascending index."""
        wanted = sorted(set(indices))
        for index in wanted:
            if index in self._held:
                yield index, self._held[index].rgb()
        beyond = {index for index in wanted if index not in self._held}
        if beyond:
            for frame in iterate(self.path):
                if frame.index in beyond:
                    yield frame.index, frame.rgb()
                    if frame.index == wanted[-1]:
                        return
