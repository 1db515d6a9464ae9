"""Controls that keep a benchmark honest: what is taken out of a clip must take the answer with it.

Each control maps frames (T, H, W, 3), RGB, uint8, to frames of the same shape. `apply` runs one by its name, from the
frames and the clip's row of the simulator's truth table.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from itertools import repeat
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from stages.base.video.masks import from_runs

Frames = NDArray[np.uint8]


def without_person(frames: Frames, truth: Mapping[str, Any], grow: int = 4) -> Frames:
    """Return the frames with the person's box, what it holds included, filled with the same room without the person.

    A grey box would still tell lying from standing by its shape. The box is grown by `grow` pixels, so that the blur of
    compression around the person goes too.
    """
    height, width = frames.shape[1:3]
    out = frames.copy()
    for picture, room, (left, top, right, bottom) in zip(out, plates(truth), boxes(truth), strict=True):
        if right > left:
            rows = slice(max(top - grow, 0), min(bottom + grow, height))
            columns = slice(max(left - grow, 0), min(right + grow, width))
            picture[rows, columns] = room[rows, columns]
    return out


def mean_colour(frames: Frames) -> Frames:
    """Return frames of nothing but the clip's mean colour."""
    mean = np.asarray(cv2.mean(frames.reshape(-1, *frames.shape[2:]))[:3]).round().astype(np.uint8)
    return np.broadcast_to(mean, frames.shape).copy()


def one_frame(frames: Frames, rng: Generator) -> Frames:
    """Return one random frame, repeated."""
    return np.repeat(frames[[rng.integers(len(frames))]], len(frames), axis=0)


def shuffled(frames: Frames, rng: Generator) -> Frames:
    """Return the frames in random order."""
    return np.asarray(frames[rng.permutation(len(frames))])


def reversed_(frames: Frames) -> Frames:
    """Return the frames in the opposite order."""
    return frames[::-1].copy()


def mirrored(frames: Frames) -> Frames:
    """Return the frames with left and right swapped: who acts is then on the other side."""
    return frames[:, :, ::-1].copy()


#: Name of each control, as reports show it.
CONTROLS: dict[str, Callable[[Frames, Mapping[str, Any], Generator], Frames]] = {
    "without_person": lambda frames, truth, rng: without_person(frames, truth),
    "mean_colour": lambda frames, truth, rng: mean_colour(frames),
    "one_frame": lambda frames, truth, rng: one_frame(frames, rng),
    "shuffled": lambda frames, truth, rng: shuffled(frames, rng),
    "reversed": lambda frames, truth, rng: reversed_(frames),
    "mirrored": lambda frames, truth, rng: mirrored(frames),
}


def apply(control: str, frames: Frames, truth: Mapping[str, Any], seed: int) -> Frames:
    """Return a control's version of a clip; a clip's random draws depend on `seed` and its name only."""
    rng = np.random.default_rng([seed, *str(truth["clip_id"]).encode()])
    return CONTROLS[control](frames, truth, rng)


def boxes(truth: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return the person's box in each frame (T, 4): left, top, right, bottom, ends excluded; 0 where unseen."""
    return np.asarray(truth["boxes"], np.int64).reshape(-1, 4)


def masks(truth: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Return where the person and what it holds are seen, (T, H, W)."""
    return from_runs(truth["masks"], (int(truth["frames"]), int(truth["height"]), int(truth["width"])))


def joints(truth: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return COCO's joints in pixels, (T, 17, 2)."""
    return np.asarray(truth["joints"], np.float32).reshape(-1, 17, 2)


def people_boxes(truth: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return the box of each of P people in each frame (P, T, 4), as `boxes`."""
    return np.asarray(truth["person_boxes"], np.int64).reshape(-1, int(truth["frames"]), 4)


def people_masks(truth: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Return where each of P people is seen behind the others, (P, T, H, W)."""
    return np.stack([masks({**truth, "masks": runs}) for runs in truth["person_masks"]])


def people_joints(truth: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return COCO's joints of each of P people in pixels, (P, T, 17, 2)."""
    return np.asarray(truth["joints"], np.float32).reshape(-1, int(truth["frames"]), 17, 2)


def plates(truth: Mapping[str, Any]) -> Iterator[Frames]:
    """Yield what each frame shows without the person, (H, W, 3), RGB: the same, or what a moving head sees of it."""
    room = plate(truth)
    if truth.get("views") is None:
        yield from repeat(room, int(truth["frames"]))
        return
    size, samples = (int(truth["width"]), int(truth["height"])), int(truth["samples"])
    for x, y in np.asarray(truth["views"], np.int64).reshape(-1, 2):
        part = room[y : y + samples * size[1], x : x + samples * size[0]]
        yield np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA))


def plate(truth: Mapping[str, Any]) -> Frames:
    """Return the clip's room without the person, RGB: (H, W, 3), or all that a moving head may see, finer."""
    return np.asarray(Image.open(io.BytesIO(truth["plate"])).convert("RGB"))
