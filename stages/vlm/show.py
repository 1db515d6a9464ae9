"""What a model is shown of a clip: its keyframes as images, or frames drawn evenly from it as a video."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST
from stages.base.tables import read_table
from stages.video.keyframe_table import read_shards
from stages.video.sample import sample, uniform_indices
from stages.vlm.base import Media
from stages.vlm.params import VlmParams
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

    def __init__(self, run: Run, params: VlmParams) -> None:
        """Open the run's manifest and, for a model of images, its keyframes.

        Raises:
            InputError: they are not there.
        """
        self.params = params
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
        if self.params.backend == "recorded":
            return None
        count = self.params.frames
        if self._keyframes is not None:
            ((_, frames),) = self._keyframes.frames_of([clip_id])
            chosen = uniform_indices(len(frames), min(count, len(frames)))
            return Media("images", [np.asarray(frames[place].picture()) for place in chosen])
        row = self._files[clip_id]
        if row["path"] is None:
            raise InputError(f"{clip_id} has no video: the manifest was made from names", do="use keyframes")
        images, _ = sample(Path(row["path"]), min(count, row["frames"]), frames=row["frames"])
        return Media("video", list(images), round(len(images) / row["duration"], 6) if row["duration"] else None)

    def windows(self, clip_ids: Iterable[str]) -> Iterator[list[Shown]]:
        """Yield the clips in their order, as many at a time as fit a window. A clip that cannot be shown says why.

        Raises:
            InputError: not one of the clips can be shown; it is the first one's.
        """
        window: list[Shown] = []
        held = 0
        first: InputError | None = None
        any_shown = False
        for clip_id in clip_ids:
            try:
                shown = Shown(clip_id, self.media(clip_id), None)
                any_shown = True
            except InputError as error:
                shown = Shown(clip_id, None, str(error).splitlines()[0])
                first = first or error
            window.append(shown)
            held += sum(frame.nbytes for frame in shown.media.frames) if shown.media else 0
            if len(window) >= _CLIPS or held >= _BYTES:
                yield window
                window, held = [], 0
        if first and not any_shown:
            raise first
        if window:
            yield window
