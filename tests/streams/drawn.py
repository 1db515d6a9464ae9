"""Clips of drawn people on a plain ground, who walk as a test says; lossless or as video, with what is true of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from stages.streams.finder import Clip, Seen, seen
from tests.base.video.clips import write_clip

#: Where somebody's feet are in a frame, x and y in pixels; None where they are not there.
Course = Callable[[int], "tuple[int, int] | None"]
SHIRTS = [(200, 30, 30), (30, 60, 200), (230, 220, 90), (30, 160, 60), (220, 120, 220)]
TROUSERS = [(30, 30, 40), (220, 220, 210), (40, 40, 110), (20, 20, 20), (90, 40, 20)]


def figure(image: np.ndarray, mask: np.ndarray, who: int, feet: tuple[int, int], tall: int = 72) -> None:
    """Draw somebody into an image and into a mask."""
    x, y = feet
    wide = tall // 4
    for canvas, shirt, trousers, skin in (
        (image, SHIRTS[who % 5], TROUSERS[who % 5], (220, 180, 150)),
        (mask, (1,), (1,), (1,)),
    ):
        cv2.rectangle(canvas, (x - wide // 2, y - tall // 2), (x + wide // 2, y), trousers, -1)
        cv2.rectangle(canvas, (x - wide // 2, y - tall + tall // 5), (x + wide // 2, y - tall // 2), shirt, -1)
        cv2.circle(canvas, (x, y - tall + tall // 8), tall // 8, skin, -1)


def drawn(
    courses: Sequence[Course], frames: int = 40, size: tuple[int, int] = (200, 120), tall: int = 72
) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (T, H, W, 3) and whose each pixel is (P, T, H, W); who comes later is in front."""
    width, height = size
    noise = np.random.default_rng(0)
    images, masks = [], np.zeros((len(courses), frames, height, width), bool)
    for t in range(frames):
        image = np.clip(noise.normal(120, 3, (height, width, 3)), 0, 255).astype(np.uint8)
        for who, course in enumerate(courses):
            if (feet := course(t)) is not None:
                mask = np.zeros((height, width), np.uint8)
                figure(image, mask, who, feet, tall)
                masks[: who + 1, t] &= mask == 0
                masks[who, t] = mask == 1
        images.append(image)
    return np.stack(images), masks


def stands(x: int, y: int = 110) -> Course:
    """Somebody who stays."""
    return lambda t: (x, y)


def walks(start: int, step: float, y: int = 110) -> Course:
    """Somebody who walks."""
    return lambda t: (round(start + step * t), y)


def clip(folder: Path, frames: np.ndarray, name: str = "clip") -> Clip:
    """Write a clip."""
    path = write_clip(folder / f"{name}.mov", frames)
    return Clip(name, str(path), len(frames), frames.shape[2], frames.shape[1])


def rows_of(masks: np.ndarray) -> list[Seen]:
    """Return who is seen as rows."""
    found = [seen(who, t, mask, 1.0) for who, person in enumerate(masks) for t, mask in enumerate(person)]
    return [one for one in found if one is not None]
