"""The kitchen as the cook sees it: a counter with cupboard, drawer and sink, what stands about, and who cooks.

The counter's top is z = 0, x runs along it, y away from the cook; metres. Everybody cooks at home: kitchen and cook
have one number. Nothing in it depends on what is done: cupboard, drawer and tap are in every kitchen, shut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stages.simulate.camera import Array, Camera, point
from stages.simulate.draw import Canvas, Capsule, Colour, Frustum, Solid, block
from stages.simulate.objects import BLACK, STEEL
from stages.simulate.scenes.shapes import any_colour, dim, level, upright
from stages.simulate.scenes.table import SKIN, SLEEVES, Worker
from stages.simulate.utensils import COLOURS, DOOR, LIES, THINGS, dye, utensil

#: Seed of cooks and kitchens: they stay the same when a scene's seed changes.
POOL = 404
#: The head: where the eyes are and look, metres; the lens, degrees over the width of the picture.
EYE, LOOK, ANGLE = (0.0, -0.50, 0.60), (0.0, 0.13, 0.03), 62.0
#: How far the view wanders with the head, pixels of the picture each way.
WANDER = (8, 6)
#: Where the wall is, and the fronts of cupboard and drawer.
WALL, FRONT = 0.52, 0.36


@dataclass(frozen=True)
class Cook:
    """A participant, of whom the arms are seen."""

    arms: Worker
    side: float
    """Of the preferred hand: 1 is the right, -1 the left."""


@dataclass(frozen=True)
class Kitchen:
    """A counter as it stands ready; `shut` draws what can be opened."""

    side: float
    """Where the sink is: 1 to the right of the cupboard, -1 to the left."""
    solids: list[Solid]
    door: Colour
    """Of cupboard and drawer."""
    hinge: Array
    """Foot of the cupboard's hinge."""
    drawer: Array
    """Middle of the drawer's front."""
    tap: Array
    """Where water leaves it."""

    def shut(self, name: str) -> list[Solid]:
        """Return the door of the cupboard or the front of the drawer, shut."""
        at = self.hinge if name == "cupboard" else self.drawer
        return utensil(name, at, point(0, 0, 1), point(0, -1, 0), self.door)


def cook(number: int) -> Cook:
    """Return participant `number`."""
    rng = np.random.default_rng([POOL, 31, number])
    skin, sleeve = SKIN[rng.integers(len(SKIN))], SLEEVES[rng.integers(len(SLEEVES))]
    short = rng.random() < 0.5
    tempo, size = float(rng.uniform(0.85, 1.2)), float(rng.uniform(0.9, 1.05))
    return Cook(Worker(sleeve, skin, skin if short else sleeve, tempo, size), -1.0 if rng.random() < 0.3 else 1.0)


def kitchen(number: int) -> Kitchen:
    """Return the kitchen of participant `number`."""
    rng = np.random.default_rng([POOL, 32, number])
    side = 1.0 if rng.random() < 0.5 else -1.0
    wall, top, door = any_colour(rng, 0.05, 0.35, 0.6, 0.95), any_colour(rng, 0.05, 0.4, 0.35, 0.85), _door(rng)
    shift = rng.uniform(-0.03, 0.03, 3)
    solids: list[Solid] = [level(-2, 2, -0.36, WALL, 0.0, top), upright(-2, 2, 0, 1, WALL, wall)]
    solids += _tiles(rng, wall)
    solids += block((-2, -0.37, -0.5), (2, -0.36, -0.002), dim(top, 0.7))
    middle = -0.30 * side + shift[0]
    hinge = point(middle - DOOR[0] / 2, FRONT, 0.015)
    solids += block((middle - 0.14, FRONT + 0.004, 0.0), (middle + 0.14, WALL, 0.29), dim(door, 0.8))
    drawer = point(0.08 * side + shift[1], FRONT, 0.07)
    low, high = drawer[0] - 0.145, drawer[0] + 0.145
    solids += block((low, FRONT + 0.004, 0.0), (high, WALL, 0.14), dim(door, 0.8))
    x = 0.28 * side + shift[2]
    steel = (165 + 20 * rng.random(), 170.0, 176.0)
    solids += [
        level(x - 0.15, x + 0.15, -0.02, 0.24, 0.002, steel),
        level(x - 0.13, x + 0.13, 0.0, 0.22, 0.003, dim(steel, 0.55)),
        level(x - 0.10, x + 0.10, 0.03, 0.19, 0.004, dim(steel, 0.68)),
        Capsule(point(x, 0.11, 0.005), point(x, 0.11, 0.006), 0.014, 0.014, BLACK),
    ]
    foot, bend, tap = point(x, 0.28, 0.0), point(x, 0.28, 0.22), point(x, 0.15, 0.20)
    solids += [
        Frustum(foot, point(x, 0.28, 0.02), 0.025, 0.022, STEEL, STEEL),
        Capsule(foot, bend, 0.012, 0.012, STEEL),
        Capsule(bend, tap, 0.012, 0.011, STEEL),
    ]
    return Kitchen(side, solids, door, hinge, drawer, tap)


def standing_about(place: Kitchen, rng: Generator) -> list[Solid]:
    """Return things along the edges of the counter, drawn afresh for each clip, whatever is done in it."""
    solids: list[Solid] = []
    slots = [(-0.55, 0.10), (-0.46, 0.22), (0.50, 0.22), (-0.50, -0.05), (0.53, 0.04)]  # none where a door swings
    names = sorted(THINGS)
    for slot in rng.permutation(len(slots))[: int(rng.integers(2, 5))]:
        x, y = slots[slot]
        name = names[int(rng.integers(len(names)))]
        at = point(x * place.side, y, THINGS[name].rise) + rng.uniform(-0.02, 0.02, 3) * [1, 1, 0]
        turn = rng.uniform(0, 2 * np.pi)
        flat, z = point(np.cos(turn), np.sin(turn), 0), point(0, 0, 1)
        axes = (flat, z) if name in LIES else (z, flat)
        solids += utensil(name, at, *axes, COLOURS[dye(name, rng)])
    return solids


def camera(size: tuple[int, int]) -> Camera:
    """Return the cook's eyes; `size` is the clip's width and height, of which the head sees `WANDER` more each way."""
    width, height = size[0] + 2 * WANDER[0], size[1] + 2 * WANDER[1]
    angle = np.degrees(2 * np.arctan(np.tan(np.radians(ANGLE / 2)) * width / size[0]))
    return Camera(EYE, LOOK, float(angle), width * Canvas.SAMPLES, height * Canvas.SAMPLES)


def wander(count: int, fps: float, rng: Generator) -> NDArray[np.int16]:
    """Return where the head looks: the left top corner (T, 2) of the view in what `camera` draws, its fine pixels."""
    t = np.arange(count) / fps
    low, high = rng.uniform(0.15, 0.35, 2), rng.uniform(0.4, 0.8, 2)
    phase = rng.random((2, 2))
    share = 0.75 * np.sin(2 * np.pi * (t[:, None] * low + phase[0]))
    share += 0.25 * np.sin(2 * np.pi * (t[:, None] * high + phase[1]))
    return np.asarray(np.rint((share + 1) * np.array(WANDER) * Canvas.SAMPLES), np.int16)


def _door(rng: Generator) -> Colour:
    woods: list[Colour] = [(176, 128, 78), (140, 96, 58), (232, 230, 222), (108, 130, 150), (150, 168, 140)]
    return woods[rng.integers(len(woods))]


def _tiles(rng: Generator, wall: Colour) -> list[Solid]:
    """Lines between tiles, in some kitchens."""
    if rng.random() < 0.4:
        return []
    shade, step = dim(wall, 0.88), float(rng.uniform(0.09, 0.16))
    lines: list[Solid] = [upright(-2, 2, z, z + 0.004, WALL - 0.001, shade) for z in np.arange(step, 0.6, step)]
    return lines + [upright(x, x + 0.004, 0, 0.6, WALL - 0.001, shade) for x in np.arange(-1, 1, step)]
