"""Frames picked evenly, and images made smaller, encoded and decoded: the same pixels give the same bytes."""

from __future__ import annotations

import io
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image as Pictures

from stages.base.errors import InputError

if TYPE_CHECKING:
    from stages.base.video.decode import Image

Format = Literal["jpeg", "png"]


def uniform_indices(frames: int, count: int) -> list[int]:
    """Return `count` places among `frames`: the middle of each of `count` equal parts, in order.

    A clip with fewer frames than `count` gives some of them more than once.
    """
    return [(2 * part + 1) * frames // (2 * count) for part in range(count)]


def segment_indices(frames: int, count: int, rng: np.random.Generator | None, share: float = 0.5) -> list[int]:
    """Return `count` places over all of a clip of `frames`, one a segment (Radevski et al. 2023, on SSV2).

    Segment i runs from round(i s) to round((i + 1) s), both included, s = (frames - 1) / count. With `rng` any place in
    it; without, the one at `share` of it: 0.5, the middle.
    """
    step = (frames - 1) / count
    edges = [round(step * part) for part in range(count + 1)]
    if rng is not None:
        return [int(rng.integers(low, high + 1)) for low, high in itertools.pairwise(edges)]
    return [low + int((high - low) * share) for low, high in itertools.pairwise(edges)]


def dense_indices(
    frames: int, count: int, stride: int, rng: np.random.Generator | None, share: float = 0.5
) -> list[int]:
    """Return `count` places of a clip of `frames`, each `stride` on (Radevski et al. 2023, on EPIC-KITCHENS).

    With `rng` from any start in [0, frames - count * stride]; without, from `share` of (frames - count * stride + 1):
    0.5, about the middle. A clip that is too short begins at 0 and repeats its last frame.
    """
    room = max(0, frames - count * stride)
    start = int(rng.integers(0, room + 1)) if rng is not None else min(int((room + 1) * share), room)
    return [min(start + stride * place, frames - 1) for place in range(count)]


def sample(
    path: str | Path, count: int, side: int | None = None, frames: int | None = None
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Return `count` frames spread evenly over a clip, uint8 (count, H, W, 3) RGB, and their times (count,) in seconds.

    `side` bounds the longer side in pixels; `frames` is the clip's number of frames as the manifest has it, without
    which the clip is decoded twice.

    Raises:
        InputError: the clip cannot be decoded, or has fewer frames than `frames`.
    """
    from stages.base.video.decode import probe, read_frames  # PyAV, which most who read or write keyframes do not need

    if frames is None:
        seen = probe(path)
        if seen.error or not seen.frames:
            raise InputError(seen.error or "no frame decodes", file=path, do="leave it out, or ingest again")
        frames = seen.frames
    images, times = read_frames(path, uniform_indices(frames, count))
    return np.stack([shrunk(image, side) for image in images]), times


def shrunk(image: Image, side: int | None) -> Image:
    """Return an image (H, W, 3) whose longer side is at most `side` pixels, by averaging areas; never a larger one."""
    height, width = image.shape[:2]
    if side is None or max(height, width) <= side:
        return image
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def encoded(image: Image, form: Format, quality: int) -> bytes:
    """Return an RGB image (H, W, 3) as a JPEG of `quality` 1 to 100, or as a PNG, to which quality means nothing.

    OpenCV's encoder: at quality 95 these are the bytes of Katna's own writer.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if form == "jpeg" else [cv2.IMWRITE_PNG_COMPRESSION, 6]
    done, data = cv2.imencode(".jpeg" if form == "jpeg" else ".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)
    assert done
    return data.tobytes()


def decoded(data: bytes) -> Pictures.Image:
    """Return an encoded image as PIL's RGB image, which every transformers processor takes."""
    return Pictures.open(io.BytesIO(data)).convert("RGB")
