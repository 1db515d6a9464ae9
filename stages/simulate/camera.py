"""A pinhole camera that stands still. World: metres, z up; image: pixels, x right, y down."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def point(x: float, y: float, z: float) -> Array:
    """Return a point or direction (3,)."""
    return np.array([x, y, z], float)


def unit(vectors: Array) -> Array:
    """Return vectors (..., 3) at length 1; a zero vector stays zero."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-9))


def cross(a: Array, b: Array) -> Array:
    """Return the cross product of vectors (..., 3); `np.cross` spends most of its time on checks."""
    return np.asarray(a[..., _YZX] * b[..., _ZXY] - a[..., _ZXY] * b[..., _YZX])


_YZX, _ZXY = np.array([1, 2, 0]), np.array([2, 0, 1])


@dataclass(frozen=True)
class Camera:
    """A pose with a lens. Angles are degrees, `angle` is the horizontal field of view."""

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    angle: float
    width: int
    height: int
    mirrored: bool = False
    """Swap left and right of the picture."""
    axes: Array = field(init=False)
    focal: float = field(init=False)

    def __post_init__(self) -> None:
        ahead = unit(np.subtract(self.target, self.eye).astype(float))
        right = unit(cross(ahead, point(0, 0, 1)))
        axes = np.stack(
            [-right if self.mirrored else right, cross(ahead, right), ahead]
        )  # rows: image x, image y, depth
        object.__setattr__(self, "axes", axes)
        object.__setattr__(self, "focal", self.width / 2 / np.tan(np.radians(self.angle) / 2))

    @property
    def centre(self) -> Array:
        """Principal point (2,)."""
        return np.array([self.width / 2, self.height / 2])

    def see(self, points: Array) -> Array:
        """Return points (..., 3) of the world in the camera's frame (..., 3): right, down, ahead, in metres."""
        return np.asarray((points - np.asarray(self.eye)) @ self.axes.T)

    def project(self, seen: Array) -> Array:
        """Return the pixels (..., 2) of points (..., 3) in the camera's frame that lie ahead of it."""
        return np.asarray(seen[..., :2] * (self.focal / np.maximum(seen[..., 2:], 0.05)) + self.centre)

    def rays(self) -> NDArray[np.float32]:
        """Return through every pixel (H, W, 3) the ray whose third component is 1."""
        x, y = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        xy = (np.stack([x, y], -1) - self.centre) / self.focal
        return np.concatenate([xy, np.ones((*xy.shape[:2], 1))], -1).astype(np.float32)
