"""People of many clips: those that the journal lacks, side by side, journalled as they come."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from stages.base.errors import InputError
from stages.base.journal.store import Journal, journal_key
from stages.base.parallel.crashed import Crashed
from stages.base.parallel.pool import parallel_map
from stages.base.params import compute
from stages.base.progress import Progress
from stages.base.video.decode import Image
from stages.streams.cameras import Cameras, Filmed, kept
from stages.streams.finder import Clip, Seen
from stages.streams.make import finder, side_by_side
from stages.streams.pair import VERSION as RULE
from stages.streams.pair import choose
from stages.streams.params import FinderParams

#: Raise it when the same people give other rows.
VERSION = 1

#: What the journal keeps of a clip; masks are one text of their packed run lengths.
KIND = ("people", "why", "tracks", "frames", "boxes", "scores", "lengths", "masks")


class Method(NamedTuple):
    """Who finds people: what a process needs to make it. `device` shapes no result."""

    params: FinderParams
    truth: Path | None
    device: str


class Job(NamedTuple):
    """A clip, and the journal key of what its camera may see without people, None where that is not known."""

    clip: Clip
    views: str | None


def key(method: Method, clip: Clip, md5: str, plates: str | None = None) -> str:
    """Return the journal key of a clip's people, from the hash of its file and all that shapes them.

    `plates` is the hash of the plates that its camera's views are made of.
    """
    who = finder(*method)
    shapes: dict[str, Any] = {"params": method.params.model_dump(mode="json", exclude={"about"})}
    if who.known(clip.clip_id) is None:
        shapes["rule"] = RULE
    if plates is not None:
        shapes["plates"] = plates
    return journal_key(md5=md5, version=VERSION, own=who.shapes(clip.clip_id), **shapes)


def look(method: Method, clip: Clip, views: Sequence[Image] = ()) -> dict[str, Any]:
    """Return the people of a clip, as the journal keeps them, numbered as in STREAMS.

    `views` are what its camera may see without people, (H, W, 3) RGB each.

    Raises:
        InputError: the clip cannot be looked at.
    """
    cv2.setNumThreads(1)  # the cores are for clips side by side
    who = finder(*method)
    found = who.find(clip, views)
    choice = choose(found, clip.frames, who.known(clip.clip_id))
    rows = sorted((one._replace(track=choice.number(one.track)) for one in found), key=lambda one: one[:2])
    return {"people": choice.people, "why": choice.why, **packed(rows)}


def packed(rows: Sequence[Seen]) -> dict[str, Any]:
    """Return rows as JSON can hold them."""
    runs = np.concatenate([one.mask for one in rows]) if rows else np.zeros(0, np.int32)
    return {
        "tracks": [one.track for one in rows],
        "frames": [one.frame for one in rows],
        "boxes": [list(one.box) for one in rows],
        "scores": [float(np.float32(one.score)) for one in rows],
        "lengths": [len(one.mask) for one in rows],
        "masks": base64.b64encode(zlib.compress(runs.astype("<i4").tobytes(), 6)).decode(),
    }


def unpacked(value: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the rows of STREAMS that `packed` kept, without the clip's name."""
    runs = np.frombuffer(zlib.decompress(base64.b64decode(value["masks"])), "<i4")
    ends = np.cumsum(value["lengths"], dtype=np.int64).tolist()
    columns = (value[name] for name in ("tracks", "frames", "boxes", "scores", "lengths"))
    for track, frame, box, score, length, end in zip(*columns, ends, strict=True):
        mask = runs[end - length : end].tolist()
        yield {"track": track, "frame": frame, "box": box, "mask": mask, "score": score}


def compute_all(
    journal: Journal, clips: Mapping[str, Filmed], method: Method, cameras: Cameras | None
) -> dict[str, str]:
    """Journal the people of each clip of `clips` (journal key -> clip); return key -> why, of those that fail."""
    left = sorted((one for sample, one in clips.items() if sample not in journal), key=_by_camera)
    missing = {one.clip: sample for sample, one in clips.items() if sample not in journal}
    if cameras:
        cameras.keep(one.camera for one in left)
    jobs = [Job(one.clip, cameras.views.get(one.camera) if cameras else None) for one in left]
    failures: dict[str, str] = {}
    processes = min(side_by_side(method.params, compute().processes), max(1, len(missing)))
    with Progress("streams", len(clips), len(clips) - len(missing)) as progress:
        for job, value in parallel_map(partial(_attempt, method), jobs, processes, compute().clip_seconds):
            if isinstance(value, str | Crashed):
                failures[missing[job.clip]] = str(value)
            else:
                journal.put(missing[job.clip], value)
            progress.advance()
    return failures


def _by_camera(one: Filmed) -> tuple[str, int, int]:
    """Return what clips are sorted by, so that those of one camera follow each other, otherwise as they were."""
    return one.camera.name or "", one.camera.width, one.camera.height


def _attempt(method: Method, job: Job) -> dict[str, Any] | str:
    """Return a clip's people, or why nobody can tell: one bad clip must not end the others."""
    views = kept(job.views) if job.views else ()  # a damaged journal ends the run: it is no fault of this clip
    try:
        return look(method, job.clip, views)
    except InputError as error:
        return str(error)
