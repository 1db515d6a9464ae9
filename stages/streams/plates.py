"""What a fixed camera sees without people: the median of the plates of many clips that show the same view.

A plate is what stays in a clip, so who stands still all the time is on it. In other clips of the same camera others
stand elsewhere, and on the median of many plates is nobody. A camera's number may stand for several rooms, and light
changes: plates are of one view where they are alike once their light is made the same. Only images are taken from other
clips, never a label: a test clip's background may be from training clips too, as a camera's owner would make it.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from stages.base.errors import InputError
from stages.base.video.decode import Image, iterate
from stages.base.video.sample import shrunk, uniform_indices
from stages.streams.background import Lab, difference
from stages.streams.finder import Clip

#: Raise it when the same clips give other plates, or other views.
VERSION = 1
#: Frames that a clip's plate is the median of.
_FRAMES = 16
#: Share of the pixels in which two plates of one view are alike at least: a third of a frame may be people.
_ALIKE = 0.7
#: Of fewer plates than these the median may show who stands where another stood.
LEAST = 5
#: Plates are compared with the longer side at this many pixels.
_SIDE = 80


def plate(clip: Clip, side: int) -> Image:
    """Return what stays in a clip, (H, W, 3) RGB, a little smoothed, the longer side at most `side` pixels.

    Raises:
        InputError: it cannot be decoded to its end, or no frame decodes.
    """
    places = set(uniform_indices(clip.frames, _FRAMES))
    images = [shrunk(frame.rgb(), side) for frame in iterate(clip.path) if frame.index in places]
    if not images:
        raise InputError("no frame decodes", file=clip.path, do="leave it out, or ingest again")
    return np.asarray(cv2.blur(np.median(np.stack(images), axis=0).astype(np.uint8), (3, 3)), np.uint8)


def views(plates: Sequence[Image], most: int, threshold: int) -> list[Image]:
    """Return the views that plates (H, W, 3) of one camera show, each without who stands in some of them.

    A plate is of the view whose first plate it is most alike. A view is the median of at most `most` of its plates,
    spread evenly over them, in the light of the first; one of fewer than `LEAST` plates is left out.
    """
    small = [shrunk(image, _SIDE) for image in plates]
    groups: list[list[int]] = []
    for place, image in enumerate(small):
        shares = [_share(small[group[0]], image, threshold) for group in groups]
        if shares and max(shares) >= _ALIKE:
            groups[int(np.argmax(shares))].append(place)
        else:
            groups.append([place])
    found = []
    for group in groups:
        if len(group) >= LEAST:
            taken = sorted({group[one] for one in uniform_indices(len(group), most)})
            alike = [_in_light_of(plates[group[0]], plates[place]) for place in taken]
            found.append(np.asarray(np.median(np.stack(alike), axis=0), np.uint8))
    return found


def shared_background(own: Lab, shown: Sequence[Image], threshold: int) -> Lab | None:
    """Return the background of a clip whose own plate is `own` (H, W, 3): the view most like it, in the clip's light.

    None where no view of `shown` is alike.
    """
    image = np.asarray(cv2.cvtColor(own, cv2.COLOR_LAB2RGB), np.uint8)
    small = shrunk(image, _SIDE)
    shares = [_share(small, shrunk(view, _SIDE), threshold) if view.shape == image.shape else 0.0 for view in shown]
    if not shares or max(shares) < _ALIKE:
        return None
    view = _in_light_of(image, shown[int(np.argmax(shares))])
    return np.asarray(cv2.cvtColor(view, cv2.COLOR_RGB2LAB), np.uint8)


def _share(one: Image, other: Image, threshold: int) -> float:
    """Return the share of pixels in which two plates of one size are alike, in the light of the first."""
    first, second = (cv2.cvtColor(image, cv2.COLOR_RGB2LAB) for image in (one, _in_light_of(one, other)))
    return float((difference(np.asarray(first), np.asarray(second)) <= threshold).mean())


def _in_light_of(one: Image, other: Image) -> Image:
    """Return another plate of the same size in the light of the first: each channel times the median ratio.

    Values that may be cut off, and dark ones, whose ratios are coarse, say nothing of the light.
    """
    ratios = np.ones(3)
    for channel in range(3):
        first, second = one[..., channel], other[..., channel]
        both = (np.minimum(first, second) > 16) & (np.maximum(first, second) < 250)
        if both.any():
            ratios[channel] = np.median(first[both] / second[both])
    return np.rint(np.clip(other * ratios, 0, 255)).astype(np.uint8)
