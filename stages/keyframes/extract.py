"""A clip's keyframes: chosen, completed where the method gives too few, encoded. What the pool and the journal run."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

import av
import cv2

from stages.base.journal.store import journal_key
from stages.base.video.sample import encoded, shrunk, uniform_indices
from stages.keyframes.held import Clip
from stages.keyframes.params import KeyframesParams

#: Raise it when the same clip and params give other keyframes; a golden test fails when that is forgotten.
VERSION = 1

#: What the journal keeps of a clip.
KIND = ("frames", "frame", "time", "image", "fallback")


def key(md5: str, params: KeyframesParams) -> str:
    """Return the journal key of a clip's keyframes, from the hash of its file and all that shapes them."""
    unused = {"seed": params.method != "katna", "quality": params.format != "jpeg"}
    shapes = params.model_dump(exclude={name for name, is_unused in unused.items() if is_unused})
    libraries = {"av": av.__version__, "cv2": cv2.__version__}
    if params.method == "katna":
        libraries |= _katna()
    return journal_key(md5=md5, version=VERSION, libraries=libraries, **shapes)


@cache  # a millisecond each, which every clip's key would pay
def _katna() -> dict[str, str]:
    """Return the versions of the libraries that compute Katna's choice, beside PyAV and OpenCV."""
    return {name: version(name) for name in ("katna", "numpy", "scipy", "scikit-learn", "scikit-image")}


def extract(path: str, params: KeyframesParams) -> dict[str, Any]:
    """Return a clip's keyframes in time order, as the journal keeps them; at least one of every clip.

    Raises:
        InputError: the clip cannot be decoded.
    """
    cv2.setNumThreads(1)  # the cores are for clips side by side
    clip = Clip(path)
    if params.method == "katna":
        from stages.keyframes import katna  # scikit-learn, scipy and pandas: seconds, where a clip must be computed

        chosen, lacking = katna.choose(clip, params.count, params.seed)
    else:
        total = sum(1 for _ in clip)
        chosen, lacking = sorted(set(uniform_indices(total, params.count))), None
    total = len(clip.times)
    if total < params.count:
        lacking = f"the clip has {total} frame{'' if total == 1 else 's'}"
    added = completion(total, params.count, chosen)
    frames = [
        {
            "frame": index,
            "time": clip.times[index],
            "image": base64.b64encode(encoded(shrunk(image, params.side), params.format, params.quality)).decode(),
            "fallback": lacking if index in added else None,
        }
        for index, image in clip.images([*chosen, *added])
    ]
    return {"frames": frames}


def completion(total: int, count: int, chosen: Sequence[int]) -> list[int]:
    """Return the frames that bring `chosen` to `count`, or to all of a clip of `total` frames where it has fewer.

    They are middles of `count` equal parts of the clip, those farthest from a chosen frame first.
    """
    if total <= count:
        return [index for index in range(total) if index not in chosen]
    free = [index for index in uniform_indices(total, count) if index not in chosen]
    far = sorted(free, key=lambda index: (-min((abs(index - other) for other in chosen), default=0), index))
    return sorted(far[: count - len(chosen)])
