"""Which clips a fixed camera filmed, and the views that their plates show: made once a camera, and not once a clip.

Views lie in the journal. Who looks at a clip is told their key and reads them there, on whatever machine it is.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from functools import lru_cache, partial
from typing import NamedTuple

import cv2
import numpy as np

from stages.base.errors import InputError
from stages.base.journal.store import Journal, journal_key
from stages.base.parallel.pool import parallel_map
from stages.base.params import compute
from stages.base.progress import Progress
from stages.base.video.decode import Image
from stages.base.video.sample import decoded, encoded, uniform_indices
from stages.streams.finder import Clip
from stages.streams.params import OpenCVParams
from stages.streams.plates import LEAST, VERSION, plate, views

#: The journal's room, and what it keeps of a clip: the text of a PNG.
ROOM, KIND = "plates", ("plate",)
#: The same of a camera: the texts of PNGs.
VIEWS_ROOM, VIEWS_KIND = "views", ("views",)
#: Clips of a camera that are looked at, spread evenly over them: what a camera costs does not grow with its clips.
_CANDIDATES = 128


class Camera(NamedTuple):
    """Who may film one view: a camera of the manifest, None where it has none, and the size of its clips."""

    name: str | None
    width: int
    height: int


class Filmed(NamedTuple):
    """A clip, the camera that filmed it, and the hash of its file."""

    clip: Clip
    camera: Camera
    md5: str


class Cameras:
    """The plates of some clips of each camera."""

    def __init__(self, journal: Journal, params: OpenCVParams, filmed: Iterable[Filmed]) -> None:
        """Make the plates that the journal lacks, clips side by side. One that cannot be decoded takes nobody along."""
        self._journal, self._params = journal, params
        clips: dict[Camera, list[Filmed]] = {}
        for one in filmed:
            clips.setdefault(one.camera, []).append(one)
        taken = {camera: _spread(of) for camera, of in clips.items() if len(of) >= LEAST}
        self._make({self._key(one): one.clip for of in taken.values() for one in of})
        made = {camera: dict.fromkeys(self._key(one) for one in of) for camera, of in taken.items()}
        self._plates = {camera: [key for key in keys if key in journal] for camera, keys in made.items()}
        hashes = {camera: journal_key(plates=plates) for camera, plates in self._plates.items() if len(plates) >= LEAST}
        self.shapes: Mapping[Camera, str] = hashes
        """Camera -> hash of what shapes its views; a camera without views is not in it."""
        shaped = {"clips": params.clips, "threshold": params.threshold}
        self.views: Mapping[Camera, str] = {camera: journal_key(plates=of, **shaped) for camera, of in hashes.items()}
        """Camera -> journal key of its views."""

    def keep(self, cameras: Iterable[Camera]) -> None:
        """Journal the views of some cameras that the journal lacks; they are on disk when this returns."""
        with Journal(VIEWS_ROOM, VIEWS_KIND) as journal:
            for camera in dict.fromkeys(cameras):
                if (key := self.views.get(camera)) is not None and key not in journal:
                    plates = [_image(self._journal.get(plate)["plate"]) for plate in self._plates[camera]]
                    found = views(plates, self._params.clips, self._params.threshold)
                    journal.put(key, {"views": [_text(view) for view in found]})

    def _key(self, one: Filmed) -> str:
        return journal_key(md5=one.md5, version=VERSION, cv2=cv2.__version__, side=self._params.side)

    def _make(self, clips: Mapping[str, Clip]) -> None:
        missing = {clip: key for key, clip in clips.items() if key not in self._journal}
        processes = min(compute().processes, max(1, len(missing)))
        with Progress("plates", len(clips), len(clips) - len(missing)) as progress:
            work = partial(_plate, self._params.side)
            for clip, text in parallel_map(work, missing, processes, compute().clip_seconds):
                if isinstance(text, str):
                    self._journal.put(missing[clip], {"plate": text})
                progress.advance()


def _spread(filmed: list[Filmed]) -> list[Filmed]:
    """Return at most as many clips as are looked at, spread evenly."""
    return [filmed[place] for place in sorted(set(uniform_indices(len(filmed), _CANDIDATES)))]


@lru_cache(1)  # clips come camera by camera
def kept(key: str) -> tuple[Image, ...]:
    """Return the views (H, W, 3) RGB of one camera, by the key that `Cameras.views` gave and `Cameras.keep` kept."""
    with Journal(VIEWS_ROOM, VIEWS_KIND) as journal:
        return tuple(_image(text) for text in journal.get(key)["views"])


def _plate(side: int, clip: Clip) -> str | None:
    """Return a clip's plate as the journal keeps it, None where it cannot be decoded: its own row will say why."""
    cv2.setNumThreads(1)  # the cores are for clips side by side
    try:
        return _text(plate(clip, side))
    except InputError:
        return None


def _text(image: Image) -> str:
    return base64.b64encode(encoded(image, "png", 100)).decode()


def _image(text: str) -> Image:
    return np.asarray(decoded(base64.b64decode(text)))
