"""The resuscitation table: a camera above it, a towel, what lies about, and who works at it.

The table's top is z = 0, x runs along it, y away from the camera's foot; metres. Nothing in it depends on what is done:
mask, bag and suction are there in every recording, in use or not. Same number, same worker, newborn or table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from stages.simulate.camera import Array, Camera, point
from stages.simulate.draw import Canvas, Capsule, Colour, Frustum, Polygon, Solid, block
from stages.simulate.scenes.shapes import any_colour, level

#: Seed of workers, newborns and tables: they stay the same when a scene's seed changes.
POOL = 303

SKIN: list[Colour] = [(238, 200, 176), (224, 180, 150), (196, 146, 112), (150, 104, 76), (104, 70, 50)]
GLOVES: list[Colour] = [(96, 130, 215), (225, 225, 222), (150, 110, 200), (70, 160, 165)]
SLEEVES: list[Colour] = [(40, 110, 120), (60, 80, 150), (225, 225, 228), (120, 60, 90), (70, 120, 70)]
BAGS: list[Colour] = [(40, 120, 190), (50, 150, 95), (120, 125, 135), (130, 80, 165)]
SUCTIONS: list[Colour] = [(240, 200, 40), (235, 130, 30), (215, 55, 60)]


@dataclass(frozen=True)
class Worker:
    """A health worker, of whom the arms are seen."""

    sleeve: Colour
    hand: Colour
    """Of the glove, or of the skin where none is worn."""
    bare: Colour
    """Of the forearm below a short sleeve; the sleeve's own where it is long."""
    tempo: float
    """How fast it moves; 1 is the average."""
    size: float
    """Of the hands; 1 is the average."""


@dataclass(frozen=True)
class Newborn:
    """A mannequin."""

    skin: Colour
    cap: Colour | None
    nappy: Colour | None
    size: float


@dataclass(frozen=True)
class Table:
    """A table as it stands ready."""

    mirrored: bool
    """Whether it is seen in a mirror: the head lies at the other end."""
    camera: tuple[float, float, float]
    """Azimuth and height angle, degrees; distance, metres."""
    solids: list[Solid]
    bag: Colour
    suction: Colour
    canister: Array
    """Where the suction's tube comes from."""


def worker(number: int) -> Worker:
    """Return health worker `number`."""
    rng = np.random.default_rng([POOL, 21, number])
    sleeve = SLEEVES[rng.integers(len(SLEEVES))]
    skin = SKIN[rng.integers(len(SKIN))]
    gloved, short = rng.random() < 0.7, rng.random() < 0.6
    hand = GLOVES[rng.integers(len(GLOVES))] if gloved else skin
    return Worker(sleeve, hand, skin if short else sleeve, float(rng.uniform(0.85, 1.2)), float(rng.uniform(0.94, 1.1)))


def newborn(number: int) -> Newborn:
    """Return mannequin `number`."""
    rng = np.random.default_rng([POOL, 22, number])
    skin = SKIN[rng.integers(len(SKIN))]
    cap: Colour | None = any_colour(rng, 0.2, 0.6, 0.6, 0.95) if rng.random() < 0.4 else None
    nappy: Colour | None = (238, 238, 234) if rng.random() < 0.5 else None
    return Newborn(skin, cap, nappy, float(rng.uniform(0.94, 1.08)))


def table(number: int) -> Table:
    """Return table `number`."""
    rng = np.random.default_rng([POOL, 23, number])
    mirrored = bool(rng.random() < 0.5)
    camera = (rng.uniform(-10, 10), rng.uniform(70, 80), rng.uniform(1.0, 1.08))
    floor, pad, towel = any_colour(rng, 0.05, 0.3, 0.25, 0.5), any_colour(rng, 0.05, 0.3, 0.6, 0.85), _cloth(rng)
    solids: list[Solid] = [level(-2, 2, -2, 2, -0.85, floor)]
    solids += block((-0.40, -0.31, -0.06), (0.40, 0.30, 0.0), pad)
    solids += _towel(rng, towel)
    solids += [
        Capsule(point(x, 0.31, 0.02), point(x + 0.3, 0.31, 0.02), 0.012, 0.012, (190, 192, 198)) for x in (-0.38, 0.08)
    ]
    canister = point(0.37, 0.27, 0.05)
    solids.append(
        Frustum(
            canister - point(0, 0, 0.05), canister + point(0, 0, 0.05), 0.045, 0.045, (205, 215, 220), (230, 235, 238)
        )
    )
    return Table(
        mirrored, camera, solids, BAGS[rng.integers(len(BAGS))], SUCTIONS[rng.integers(len(SUCTIONS))], canister
    )


def camera(place: Table, size: tuple[int, int]) -> Camera:
    """Return the camera above a table; `size` is the recording's width and height."""
    azimuth, rise, distance = place.camera
    a, b = np.radians([-azimuth if place.mirrored else azimuth, rise])
    target = point(0.0, 0.0, 0.05)
    eye = target + distance * np.array([np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), np.sin(b)])
    width, height = size[0] * Canvas.SAMPLES, size[1] * Canvas.SAMPLES
    return Camera(tuple(eye), tuple(target), 39.5, width, height, place.mirrored)


def lying_about(rng: Generator) -> list[Solid]:
    """Return small things along the table's near and far edge, drawn afresh for each recording."""
    solids: list[Solid] = []
    for x in rng.permutation(np.linspace(-0.3, 0.3, 5))[: int(rng.integers(2, 5))]:
        at = point(float(x), float(rng.choice([-0.275, 0.262])), 0.008)
        turn = rng.uniform(0, np.pi)
        along = point(np.cos(turn), np.sin(turn), 0)
        solids += _THINGS[int(rng.integers(len(_THINGS)))](at, along, any_colour(rng, 0.1, 0.6, 0.5, 0.95))
    return solids


def _pen(at: Array, along: Array, colour: Colour) -> list[Solid]:
    return [Capsule(at - 0.04 * along, at + 0.04 * along, 0.007, 0.005, colour)]


def _clamp(at: Array, along: Array, colour: Colour) -> list[Solid]:
    across = point(-along[1], along[0], 0)
    return [
        Capsule(at - 0.03 * along, at + 0.03 * along + 0.012 * across, 0.006, 0.006, colour),
        Capsule(at - 0.03 * along, at + 0.03 * along - 0.012 * across, 0.006, 0.006, colour),
    ]


def _gauze(at: Array, along: Array, colour: Colour) -> list[Solid]:
    across = point(-along[1], along[0], 0)
    corners = np.stack([at + 0.03 * (a * along + b * across) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    return [Polygon(corners, (240, 240, 236))]


_THINGS = [_pen, _clamp, _gauze]


def _towel(rng: Generator, colour: Colour) -> list[Solid]:
    turn = rng.uniform(-0.08, 0.08)
    x, y = point(np.cos(turn), np.sin(turn), 0), point(-np.sin(turn), np.cos(turn), 0)

    def sheet(low: float, high: float, half: float, z: float, shade: Colour) -> Polygon:
        ends = [low * x - half * y, high * x - half * y, high * x + half * y, low * x + half * y]
        return Polygon(np.stack(ends) + point(0, 0, z), shade)

    stripe = (colour[0] * 0.86, colour[1] * 0.86, colour[2] * 0.86)
    return [
        sheet(-0.31, 0.31, 0.215, 0.003, colour),
        *(sheet(at, at + 0.02, 0.215, 0.004, stripe) for at in (-0.29, -0.25, 0.23, 0.27)),
    ]


def _cloth(rng: Generator) -> Colour:
    return any_colour(rng, 0.05, 0.35, 0.75, 0.95)
