"""The hall: a room with free floor, furniture along its wall, and cameras that see two people from the side.

Nothing in it depends on what the two do. The same number gives the same person, room or camera.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from stages.simulate.body import Body
from stages.simulate.camera import Array, Camera, point, unit
from stages.simulate.draw import Canvas, Capsule, Frustum, Solid, block
from stages.simulate.objects import WOOD, thing
from stages.simulate.scenes.home import LIFT, SMALL, decor, pastel, shell, subject, vary
from stages.simulate.scenes.shapes import any_colour

#: Seed of its people, rooms and cameras: they stay the same when a scene's seed changes.
POOL = 303
#: Azimuth and height angle (degrees) of each camera, and its distance to the middle of the floor (metres).
CAMERAS: dict[int, tuple[float, float, float]] = {
    1: (0, 9, 4.0),
    2: (16, 13, 3.95),
    3: (-18, 11, 4.05),
    4: (26, 16, 4.15),
    5: (-10, 21, 4.2),
}
#: Where the two are, on the floor; where others pass before and behind them, the least and most y, metres.
MIDDLE = point(0.0, -0.1, 0.0)
BEFORE, BEHIND = (-0.95, -0.7), (0.42, 0.6)


class Hall(NamedTuple):
    """A room, before anything lies about in it."""

    solids: list[Solid]
    bench: float
    """x of the bench's middle; things lie on it, metres."""


def camera(number: int, size: tuple[int, int]) -> Camera:
    """Return camera `number`; `size` is the clip's width and height."""
    azimuth, rise, distance = CAMERAS[number]
    a, b = np.radians([azimuth, rise])
    target = np.array([0.0, 0.0, 0.98])
    eye = target + distance * np.array([np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), np.sin(b)])
    return Camera(tuple(eye), tuple(target), 46.0, size[0] * Canvas.SAMPLES, size[1] * Canvas.SAMPLES)


def sideways(seen_by: Camera, turn: float) -> Array:
    """Return a direction on the floor (3,) that goes to the right in the picture, turned by so many radians.

    It is half way between the wall's and the camera's own, so that who walks along it stays in the room.
    """
    right = unit(unit(seen_by.axes[0] * [1, 1, 0]) + point(1, 0, 0))
    c, s = np.cos(turn), np.sin(turn)
    return np.array([c * right[0] - s * right[1], s * right[0] + c * right[1], 0.0])


def person(number: int, outfit: int) -> Body:
    """Return a person in one of its outfits."""
    return subject(number, POOL, outfit)


def hall(number: int) -> Hall:
    """Return room `number`: a wall with a doorway and pictures, a bench, a cupboard and a plant along it."""
    rng = np.random.default_rng([POOL, 15, number])
    wall, ground = pastel(rng, 0.78, 0.95), pastel(rng, 0.45, 0.75)
    left = bool(rng.random() < 0.5)
    door = rng.uniform(1.3, 1.7) * (-1 if left else 1)
    solids = shell(rng, wall, ground, door) + decor(rng)
    bench = rng.uniform(-0.2, 0.3)
    colour = any_colour(rng, 0.25, 0.65, 0.35, 0.75)
    solids += block((bench - 0.7, 1.12, 0.36), (bench + 0.7, 1.48, 0.42), colour)
    for x in (bench - 0.6, bench + 0.6):
        solids += block((x - 0.05, 1.15, 0.0), (x + 0.05, 1.45, 0.36), vary(rng, WOOD))
    side = 1 if left else -1
    cupboard = side * rng.uniform(1.5, 1.8)
    solids += block((cupboard - 0.35, 1.1, 0.0), (cupboard + 0.35, 1.5, rng.uniform(0.9, 1.5)), pastel(rng, 0.5, 0.9))
    return Hall(solids + _plant(point(side * rng.uniform(0.9, 1.0), 1.3, 0.0), rng), bench)


def furnish(place: Hall, rng: Generator) -> list[Solid]:
    """Return what lies about in a clip: things on the bench."""
    z, y = point(0, 0, 1), point(0, -1, 0)
    solids: list[Solid] = []
    for x, name in zip(np.linspace(-0.5, 0.5, 4), rng.permutation(SMALL)[:4], strict=True):
        at = point(place.bench + x + rng.uniform(-0.06, 0.06), 1.25, 0.42 + 1.25 * LIFT[name])
        solids += thing(name, at, z, y)
    return solids


def _plant(at: Array, rng: Generator) -> list[Solid]:
    pot, green = any_colour(rng, 0.3, 0.7, 0.4, 0.7), (60.0, rng.uniform(95, 140), 60.0)
    solids: list[Solid] = [Frustum(at, at + point(0, 0, 0.3), 0.1, 0.15, pot, (70, 50, 40))]
    for turn in np.linspace(0, 2 * np.pi, 6, endpoint=False) + rng.random():
        tip = at + point(0.2 * np.cos(turn), 0.1 * np.sin(turn), rng.uniform(0.6, 0.9))
        solids.append(Capsule(at + point(0, 0, 0.3), tip, 0.02, 0.05, green))
    return solids
