"""What a model is shown of a clip: its keyframes as images, or frames drawn evenly from it as a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST
from stages.base.tables import read_table
from stages.base.video.keyframe_table import read_shards
from stages.vlm.base import Media, Unopened
from stages.vlm.clustered import looked_at, window_clips
from stages.vlm.params import VlmParams
from stages.vlm.places import Keyframes, Recording
from stages.vlm.recorded import tell, unused

#: A window ends at this many clips or bytes of pixels: memory does not grow with the number of clips.
_CLIPS, _BYTES = 256, 256 << 20


class Shown(NamedTuple):
    """A clip as a model is shown it; `why` says why there is nothing to show (media is null then)."""

    clip_id: str
    media: Media | None
    why: str | None


class Show:
    """The media of a run's usable clips, as the params of one model want them."""

    def __init__(self, run: Run, params: VlmParams, unopened: bool = False) -> None:
        """Open the run's manifest and, for a model of images, its keyframes.

        Args:
            run: whose clips are shown.
            params: the model's.
            unopened: whether media are told by their place and digest, and the workers of a cluster open them.

        Raises:
            InputError: they are not there.
        """
        self.params, self.unopened = params, unopened
        manifest = read_table(run.manifest, MANIFEST)
        usable = manifest.filter(manifest["error"].is_null())
        self._clips = set(manifest["clip_id"])
        self.unusable = manifest.height - usable.height
        self.labels: dict[str, list[str]] = dict(zip(usable["clip_id"], usable["labels"].to_list(), strict=True))
        self._files = {row["clip_id"]: row for row in usable.select("clip_id", "path", "frames", "duration").to_dicts()}
        images = params.backend != "recorded" and params.media == "images"
        self._keyframes = read_shards(run.keyframes) if images else None

    def tell_unused(self, stage: str) -> str:
        """Print which entries of a recorded model's file answer for no clip; return their number for a closing line.

        Raises:
            InputError: the file is missing or is no JSON.
        """
        return tell(stage, unused(Path(self.params.file), self._clips)) if self.params.backend == "recorded" else ""

    def media(self, clip_id: str) -> Media | None:
        """Return what the model is shown of a clip; fewer frames than it takes where the clip has fewer.

        A recorded model is shown nothing: it saw the clip when its answers were recorded.

        Raises:
            InputError: the clip's file is missing or does not decode, or the clip has no keyframes.
        """
        place = self._place(clip_id)
        if place is None:
            return None
        media = place.open(self._keyframes) if isinstance(place, Keyframes) else place.open()
        return Unopened(media.kind, (), digest=media.digest, place=place) if self.unopened else media

    def _place(self, clip_id: str) -> Keyframes | Recording | None:
        if self.params.backend == "recorded":
            return None
        if self._keyframes is not None:
            return Keyframes(self._keyframes.folder, clip_id, self.params.frames)
        return Recording(count=self.params.frames, **self._files[clip_id])

    def windows(self, clip_ids: Iterable[str]) -> Iterator[list[Shown]]:
        """Yield the clips in their order, as many at a time as fit a window. A clip that cannot be shown says why.

        Raises:
            InputError: not one of the clips can be shown; it is the first one's.
        """
        window: list[Shown] = []
        held = 0
        first: InputError | None = None
        any_shown = False
        most = window_clips() if self.unopened else _CLIPS
        for clip_id, media in self._looked_at(clip_ids, most) if self.unopened else self._read(clip_ids):
            if isinstance(media, InputError):
                window.append(Shown(clip_id, None, str(media).splitlines()[0]))
                first = first or media
            else:
                window.append(Shown(clip_id, media, None))
                any_shown = True
                held += sum(frame.nbytes for frame in media.frames) if media else 0
            if len(window) >= most or held >= _BYTES:
                yield window
                window, held = [], 0
        if first and not any_shown:
            raise first
        if window:
            yield window

    def _read(self, clip_ids: Iterable[str]) -> Iterator[tuple[str, Media | InputError | None]]:
        """Yield each clip with what it shows, or why it cannot be shown."""
        for clip_id in clip_ids:
            try:
                yield clip_id, self.media(clip_id)
            except InputError as error:
                yield clip_id, error

    def _looked_at(self, clip_ids: Iterable[str], most: int) -> Iterator[tuple[str, Media | InputError | None]]:
        """Yield the same of clips that workers have looked at, so many at a time."""
        waiting = iter(clip_ids)
        while part := list(islice(waiting, most)):
            places = [place for clip_id in part if (place := self._place(clip_id))]
            yield from zip(part, looked_at(places), strict=True)
