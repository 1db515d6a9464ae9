"""Draws shaded solids into an image with a depth buffer: what is nearer hides what is behind.

Three primitives make everything: a capsule (limbs, heads), a frustum (cups, bottles, pots) and a flat polygon
(walls, furniture, screens). Polygons and hulls are filled by OpenCV, capsules are shaded as round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from stages.simulate.camera import Array, Camera, cross, point, unit

#: RGB, 0 to 255.
Colour = tuple[float, float, float]
LIGHT = unit(np.array([-0.35, -0.75, 0.9]))


class Capsule(NamedTuple):
    """Two balls and what lies between them; a ball where both ends are one."""

    start: Array
    end: Array
    start_radius: float
    end_radius: float
    colour: Colour


class Frustum(NamedTuple):
    """A cylinder or cone cut flat, from the centre of its foot to that of its lid."""

    foot: Array
    lid: Array
    foot_radius: float
    lid_radius: float
    colour: Colour
    lid_colour: Colour


class Polygon(NamedTuple):
    """A flat convex polygon, corners (N, 3). `lit` 0 keeps the colour as it is, as a screen does."""

    corners: Array
    colour: Colour
    lit: float = 1.0


Solid = Capsule | Frustum | Polygon
#: Rows and columns of a canvas, its fine pixels.
View = tuple[slice, slice]
ALL: View = (slice(None), slice(None))


class Canvas:
    """Image, depth and who owns each pixel. `size` pixels are drawn `SAMPLES` times as fine each way.

    What of a polygon is nearer than `near` metres is not drawn.
    """

    SAMPLES = 2

    def __init__(self, camera: Camera, near: float = 1.0) -> None:
        self.camera, self.near = camera, near
        self.colour = np.zeros((camera.height, camera.width, 3), np.uint8)
        self.depth = np.full((camera.height, camera.width), 1e3, np.float32)
        self.owned = np.zeros((camera.height, camera.width), np.uint8)
        self._rays = camera.rays()
        self._index = np.arange(camera.height * camera.width).reshape(camera.height, camera.width)
        self._y, self._x = np.mgrid[: camera.height, : camera.width].astype(np.float32)

    def copy(self) -> Canvas:
        """Return a canvas with the same content that can be drawn upon."""
        twin = Canvas.__new__(Canvas)
        twin.__dict__.update(self.__dict__)
        twin.colour, twin.depth, twin.owned = self.colour.copy(), self.depth.copy(), self.owned.copy()
        return twin

    def draw(self, solids: Iterable[Solid], owner: int = 0) -> None:
        """Draw solids; the pixels that they win are marked as `owner`'s."""
        rounds = []
        for solid in solids:
            if isinstance(solid, Polygon):
                self._polygon(solid, owner)
            else:
                rounds.append(solid)
        if rounds:
            self._rounds(rounds, owner)

    def image(self, view: View = ALL) -> NDArray[np.uint8]:
        """Return the picture (H, W, 3), RGB, at output size, or a view of it."""
        return shrunk(self.colour[view], self.SAMPLES)

    def mask(self, owner: int = 1, view: View = ALL) -> NDArray[np.bool_]:
        """Return where `owner` is seen (H, W), at output size: a pixel of which it has any part."""
        return np.asarray(shrunk((self.owned[view] == owner).astype(np.float32), self.SAMPLES) > 0)

    def _window(self, low: Array, high: Array) -> tuple[slice, slice] | None:
        x0, y0 = max(int(low[0]), 0), max(int(low[1]), 0)
        x1, y1 = min(int(high[0]) + 2, self.camera.width), min(int(high[1]) + 2, self.camera.height)
        return (slice(y0, y1), slice(x0, x1)) if x0 < x1 and y0 < y1 else None

    def _put(
        self, at: tuple[slice, slice], won: NDArray[np.bool_], depth: Array, colour: NDArray[np.floating], owner: int
    ) -> None:
        """Give pixels `won` of a window their depth, colour ((3,), or a row for each pixel won) and owner."""
        self.depth[at][won] = depth[won]
        self.colour[at][won] = np.minimum(np.maximum(colour, 0), 255)
        self.owned[at][won] = owner

    def _polygon(self, solid: Polygon, owner: int) -> None:
        seen = _clip_near(self.camera.see(solid.corners), self.near)
        if len(seen) < 3:
            return
        normal = unit(cross(seen[1] - seen[0], seen[2] - seen[0]))
        if abs(normal @ seen[0]) < 1e-6:  # seen from its edge
            return
        corners = self.camera.project(seen)
        at = self._window(corners.min(0), corners.max(0))
        if at is None:
            return
        shape = np.zeros((at[0].stop - at[0].start, at[1].stop - at[1].start), np.uint8)
        _fill(shape, corners - [at[1].start, at[0].start])
        depth = (normal @ seen[0]) / (self._rays[at] @ normal.astype(np.float32))
        won = (shape > 0) & (depth < self.depth[at]) & (depth > 0)
        world = unit(cross(solid.corners[1] - solid.corners[0], solid.corners[2] - solid.corners[0]))
        shade = 1 - solid.lit * (1 - (0.62 + 0.38 * abs(world @ LIGHT)))
        self._put(at, won, depth, np.array(solid.colour) * shade, owner)

    def _rounds(self, solids: Sequence[Capsule | Frustum], owner: int) -> None:
        """Draw solids, each over those before it.

        Their shapes are computed together, pixel after pixel of one window after the other: for each alone, a call of
        numpy takes longer than what it does.
        """
        ends = self.camera.see(np.array([(solid[0], solid[1]) for solid in solids]))  # (N, 2, 3)
        radii = self.camera.focal * np.array([(solid[2], solid[3]) for solid in solids]) / ends[..., 2]
        pixels = self.camera.project(ends)
        low, high = (pixels - radii[..., None]).min(1), (pixels + radii[..., None]).max(1)
        windows = [self._window(*corners) for corners in zip(low, high, strict=True)]
        seen = [i for i, at in enumerate(windows) if at is not None and ends[i, :, 2].min() >= 0.1]
        if not seen:
            return
        places = [at for i in seen if (at := windows[i]) is not None]
        sizes = np.array([(y.stop - y.start) * (x.stop - x.start) for y, x in places])
        drawn = [solids[i] for i in seen]
        whole = any(isinstance(solid, Frustum) for solid in drawn)  # a frustum is not inside its capsule

        def spread(values: Array) -> NDArray[Any]:
            return np.repeat(values[seen], sizes)

        (ax, ay), (ux, uy) = pixels[:, 0].astype(np.float32).T, (pixels[:, 1] - pixels[:, 0]).astype(np.float32).T
        (za, zb), (ra, rb) = ends[..., 2].astype(np.float32).T, radii.astype(np.float32).T
        # Where along the axis each pixel lies, and how far beside it.
        dx = np.concatenate([self._x[at].ravel() for at in places]) - spread(ax)
        dy = np.concatenate([self._y[at].ravel() for at in places]) - spread(ay)
        along, down = spread(ux), spread(uy)
        t = (dx * along + dy * down) / spread(np.maximum(ux * ux + uy * uy, np.float32(1e-6)))
        t = np.minimum(np.maximum(t, 0), 1)
        radius = spread(ra) + spread(rb - ra) * t
        sx, sy = (dx - t * along) / radius, (dy - t * down) / radius
        beside = sx * sx + sy * sy
        inside = beside <= 1
        if not whole:
            kept = np.flatnonzero(inside)
            sizes = np.add.reduceat(inside, np.cumsum(sizes) - sizes, dtype=np.intp)
            t, radius, sx, sy, beside = t[kept], radius[kept], sx[kept], sy[kept], beside[kept]
        round_off = np.sqrt(np.maximum(0, 1 - beside))
        depth = spread(za) + spread(zb - za) * t - radius * spread(za / self.camera.focal) * round_off
        shade = 0.68 + 0.3 * round_off - 0.12 * (sx + sy)
        if not whole:
            pixel = np.concatenate([self._index[at].ravel() for at in places])[kept]
            dyes = np.array([solid.colour for solid in drawn], np.float32)
            self._nearest(pixel, depth, shade, np.repeat(np.arange(len(drawn)), sizes), dyes, owner)
            return
        end = 0
        for solid, at, size in zip(drawn, places, sizes, strict=True):
            start, end = end, end + size
            self._round(
                solid, owner, at, *(of[start:end].reshape(self.depth[at].shape) for of in (inside, depth, shade))
            )

    def _nearest(
        self,
        pixel: NDArray[np.intp],
        depth: Array,
        shade: NDArray[np.float32],
        which: NDArray[np.intp],
        dyes: NDArray[np.float32],
        owner: int,
    ) -> None:
        """Give each pixel to the nearest of the capsules that cover it, as if they were drawn one after the other.

        An entry of `pixel`, `depth`, `shade` and `which` is a pixel that a capsule covers, capsule after capsule;
        `dyes` are their colours. Depths are kept in 32 bits: where two are equal there, the first has the pixel, unless
        the next is nearer than what was kept.
        """
        depths, colours, owners = self.depth.ravel(), self.colour.reshape(-1, 3), self.owned.ravel()  # views
        ahead = np.flatnonzero(depth < depths[pixel])
        pixel, depth = pixel[ahead], depth[ahead]
        short = depth.astype(np.float32)
        np.minimum.at(depths, pixel, short)
        top = np.flatnonzero(short == depths[pixel])
        won = np.concatenate([top[::-1], top[depth[top] < short[top]]])  # of equal indices the last is assigned
        of, at = ahead[won], pixel[won]
        colours[at] = np.minimum(np.maximum(shade[of][:, None] * dyes[which[of]], 0), 255)
        owners[at] = owner

    def _round(
        self,
        solid: Capsule | Frustum,
        owner: int,
        at: tuple[slice, slice],
        shape: NDArray[np.bool_],
        depth: Array,
        shade: NDArray[np.float32],
    ) -> None:
        if isinstance(solid, Frustum):
            shape, lid = self._frustum(solid, at)
        won = shape & (depth < self.depth[at])
        colour = shade[won][:, None] * np.array(solid.colour, np.float32)
        if isinstance(solid, Frustum):
            colour[lid[won]] = solid.lid_colour
        self._put(at, won, depth, colour, owner)

    def _frustum(self, solid: Frustum, at: tuple[slice, slice]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which pixels of a window are the solid's, and which of these its lid's."""
        foot, lid = ring(solid.foot, solid.lid, solid.foot_radius), ring(solid.lid, solid.foot, solid.lid_radius)
        rims = self.camera.project(self.camera.see(np.stack([foot, lid]))) - [at[1].start, at[0].start]
        body, top = np.zeros((2, at[0].stop - at[0].start, at[1].stop - at[1].start), np.uint8)
        _fill(body, np.asarray(cv2.convexHull(rims.reshape(-1, 2).astype(np.float32))[:, 0], float))
        if (np.asarray(self.camera.eye) - solid.lid) @ (solid.lid - solid.foot) > 0:  # the lid faces the camera
            _fill(top, rims[1])
        return body > 0, top > 0


def shrunk(picture: NDArray[Any], by: int) -> NDArray[Any]:
    """Return a picture (H, W, ...) at a `by`-th of its size each way."""
    size = picture.shape[1] // by, picture.shape[0] // by
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


_ANGLES = np.linspace(0, 2 * np.pi, 14, endpoint=False)[:, None]
_CIRCLE = np.cos(_ANGLES), np.sin(_ANGLES)


def ring(centre: Array, other: Array, radius: float) -> Array:
    """Return a circle of 14 corners (14, 3) around `centre`, square to the line to `other`."""
    axis = unit(other - centre)
    across = unit(cross(axis, point(1, 0, 0) if abs(axis[0]) < 0.9 else point(0, 1, 0)))
    return np.asarray(centre + radius * (_CIRCLE[0] * across + _CIRCLE[1] * cross(axis, across)))


def box(centre: Array, half: Array, axes: Array, colour: Colour, faces: dict[int, Colour] | None = None) -> list[Solid]:
    """Return a box's six sides. `axes` (3, 3) holds its unit axes as rows, `half` (3,) its half extents.

    `faces` recolours sides: 0 and 1 are the ends of the first axis (-, +), 2 and 3 of the second, 4 and 5 of the third.
    """
    sides: list[Solid] = []
    for axis in range(3):
        u, v = (half[i] * axes[i] for i in range(3) if i != axis)
        for end in (0, 1):
            middle = centre + (2 * end - 1) * half[axis] * axes[axis]
            corners = np.stack([middle - u - v, middle + u - v, middle + u + v, middle - u + v])
            shown = (faces or {}).get(2 * axis + end)
            sides.append(Polygon(corners, shown or colour, 0.0 if shown else 1.0))
    return sides


def block(low: tuple[float, float, float], high: tuple[float, float, float], colour: Colour) -> list[Solid]:
    """Return a box between two corners, along the world's axes."""
    a, b = np.array(low), np.array(high)
    return box((a + b) / 2, np.abs(b - a) / 2, np.eye(3), colour)


def _fill(shape: NDArray[np.uint8], corners: Array) -> None:
    # Four fractional bits, so that a slow motion does not jump from pixel to pixel.
    points = np.round(np.clip(corners, -3e4, 3e4) * 16 - 8).astype(np.int32)
    cv2.fillConvexPoly(shape, points, 1, lineType=cv2.LINE_8, shift=4)


def _clip_near(seen: Array, near: float) -> Array:
    if (seen[:, 2] >= near).all():
        return seen
    kept = []
    for here, there in zip(seen, np.roll(seen, -1, 0), strict=True):
        if here[2] >= near:
            kept.append(here)
        if (here[2] >= near) != (there[2] >= near):
            kept.append(here + (near - here[2]) / (there[2] - here[2]) * (there - here))
    return np.array(kept)
