"""The home: a one-room flat where every camera sees everything that any activity needs.

Nothing in it depends on the activity: furniture and things of all activities are always there, those in use are
second ones in the hand. The same pool and number give the same subject, room or camera.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from stages.simulate.body import Body
from stages.simulate.camera import Array, Camera, point
from stages.simulate.draw import Canvas, Capsule, Colour, Frustum, Polygon, Solid, block
from stages.simulate.objects import BLACK, STEEL, WOOD, thing
from stages.simulate.scenes.shapes import any_colour, dim, level, upright

DRESS: dict[str, Colour] = {
    "red": (200, 45, 45),
    "blue": (50, 85, 190),
    "green": (50, 140, 70),
    "yellow": (225, 190, 60),
    "white": (228, 226, 220),
    "black": (48, 48, 54),
    "grey": (135, 138, 142),
    "purple": (125, 65, 150),
    "orange": (230, 125, 45),
    "pink": (230, 140, 165),
}
TROUSERS = ["blue", "black", "grey", "green", "white", "purple"]
SKIN = [(236, 196, 170), (222, 176, 144), (198, 146, 110), (150, 102, 72), (108, 72, 52)]
HAIR = [(50, 36, 28), (28, 26, 28), (110, 74, 44), (176, 140, 84), (150, 150, 152), (215, 214, 210)]

#: The seven cameras of style `home`: azimuth and height angle (degrees), distance to the middle of the room (metres).
CAMERAS: dict[int, tuple[float, float, float]] = {
    1: (-8, 14, 3.9),
    2: (14, 18, 3.8),
    3: (-30, 16, 4.0),
    4: (32, 13, 4.0),
    5: (2, 30, 4.2),
    6: (-20, 26, 4.1),
    7: (24, 8, 3.7),
}
#: From which ranges the cameras of any other style are drawn.
CAMERA_RANGE = ((-34, 34), (7, 31), (3.6, 4.3))
#: Length of the sofa; where things stand on the counter, from its left end and middle line. Metres.
SOFA = 1.6
COUNTER = {
    "board": (0.22, 0.0, 0.015),
    "pot": (0.50, 0.0, 0.09),
    "bowl": (0.77, 0.06, 0.045),
    "free": (0.47, -0.13, 0.0),
}
#: Things that lie about, beside those on the counter: on the shelf and on the floor.
SMALL = ["cup", "glass", "can", "bottle", "kettle", "telephone", "remote", "pills", "banana", "spoon", "knife", "bread"]
LARGE = ["book", "tablet", "laptop"]


def camera(style: str, number: int, pool: int, size: tuple[int, int], mirrored: bool) -> Camera:
    """Return camera `number`; `size` is the clip's width and height."""
    if style == "home" and number in CAMERAS:
        azimuth, rise, distance = CAMERAS[number]
    else:
        rng = np.random.default_rng([pool, 11, number])
        azimuth, rise, distance = (rng.uniform(*span) for span in CAMERA_RANGE)
    # A mirror turns the camera's side too: in a mirrored room it stands where it stood.
    a, b = np.radians([-azimuth if mirrored else azimuth, rise])
    target = np.array([-0.02 + 0.4 * np.sin(a), 0.5, 0.88])  # door and counter stay in the picture
    eye = target + distance * np.array([np.sin(a) * np.cos(b), -np.cos(a) * np.cos(b), np.sin(b)])
    return Camera(tuple(eye), tuple(target), 46.0, size[0] * Canvas.SAMPLES, size[1] * Canvas.SAMPLES, mirrored)


def subject(number: int, pool: int, outfit: int) -> Body:
    """Return subject `number` in one of its outfits."""
    rng = np.random.default_rng([pool, 12, number])
    height, build = rng.uniform(1.6, 1.92), rng.uniform(0.85, 1.25)
    tempo, hand = rng.uniform(0.8, 1.25), int(rng.random() < 0.85)
    skin, hair = SKIN[rng.integers(len(SKIN))], HAIR[rng.integers(len(HAIR))]
    long_hair = bool(rng.random() < 0.4)
    dress = np.random.default_rng([pool, 13, number, outfit])
    names = list(DRESS)
    shirt = names[dress.integers(len(names))]
    trousers = str(dress.choice([name for name in TROUSERS if name != shirt]))
    shoes = [(60, 40, 30), (30, 30, 32), (200, 200, 200)][dress.integers(3)]
    return Body(
        height,
        build,
        tempo,
        hand,
        skin,
        hair,
        vary(dress, DRESS[shirt]),
        vary(dress, DRESS[trousers]),
        shoes,
        bool(dress.random() < 0.5),
        long_hair,
        shirt,
        trousers,
    )


@dataclass(frozen=True)
class Room:
    """A furnished room and the places in it where activities happen, metres."""

    mirrored: bool
    """Whether it is seen in a mirror: left is right."""
    solids: list[Solid]
    seat: Array
    """Middle of the sofa's front edge, at the height of the seat."""
    stool: Array
    """Middle of the stool behind the counter."""
    counter: dict[str, Array]
    """What stands ready on the counter: pot, board, bowl; and `free`, a free place."""
    behind: float
    """y of somebody who stands at the counter."""
    door: Array
    """Middle of the doorway's threshold."""
    floor: Array
    """Middle of the free floor."""
    tv: Array
    """Middle of the screen."""


def room(number: int, pool: int) -> Room:
    """Return room `number`."""
    rng = np.random.default_rng([pool, 14, number])
    mirrored = bool(rng.random() < 0.5)
    wall, ground = pastel(rng, 0.78, 0.95), pastel(rng, 0.45, 0.75)
    jitter = rng.uniform(-0.05, 0.05, 6)
    door = np.array([1.42 + jitter[0], 1.5, 0.0])
    solids = shell(rng, wall, ground, door[0])
    middle = 0.35 + jitter[1]
    low, high = middle - SOFA / 2, middle + SOFA / 2
    sofa = any_colour(rng, 0.25, 0.65, 0.35, 0.75)
    solids += block((low, 0.62, 0.08), (high, 1.42, 0.42), sofa)
    solids += block((low, 1.24, 0.42), (high, 1.45, 0.80), vary(rng, sofa, 0.1))
    solids += block((low, 1.30, 1.42), (high, 1.5, 1.46), WOOD)  # the shelf
    left, right, near, far = np.array([-1.42, -0.50, -0.12, 0.32]) + jitter[[2, 2, 3, 3]]
    top = 0.86
    solids += block((left, near, 0.0), (right, far, top - 0.05), any_colour(rng, 0.1, 0.5, 0.4, 0.85))
    solids += block((left - 0.03, near - 0.03, top - 0.05), (right + 0.03, far + 0.03, top), pastel(rng, 0.6, 0.9))
    corner = np.array([left, (near + far) / 2, top])
    counter = {name: corner + np.array(place) for name, place in COUNTER.items()}
    stool = np.array([counter["bowl"][0], far + 0.36, 0.66])
    solids += [
        Frustum(stool * [1, 1, 0], stool - [0, 0, 0.04], 0.03, 0.03, STEEL, STEEL),
        Frustum(stool - [0, 0, 0.05], stool, 0.17, 0.17, BLACK, (80, 60, 50)),
    ]
    tv = np.array([-1.3, 1.25, 1.25])
    solids += _television(tv)
    solids += decor(rng)
    floor = np.array([0.4 + jitter[4], 0.0 + jitter[5], 0.0])
    return Room(mirrored, solids, np.array([middle, 0.62, 0.42]), stool, counter, far + 0.24, door, floor, tv)


def furnish(place: Room, rng: Generator) -> list[Solid]:
    """Return the things that lie about in a clip: on the counter, on the shelf and on the floor; all of them."""
    z, y = np.array([0.0, 0.0, 1.0]), np.array([0.0, -1.0, 0.0])
    solids: list[Solid] = []
    for name in ("bowl", "pot", "board"):
        solids += thing(name, place.counter[name], z, y)
    middle = float(place.seat[0])
    shelf = [np.array([middle + x, 1.39, 1.47]) for x in np.linspace(-0.74, 0.74, len(SMALL))]
    ground = [np.array([x, -0.05 - 0.05 * i, 0.0]) for i, x in enumerate((0.0, 0.9, 1.45))]
    names = [*rng.permutation(SMALL), *rng.permutation(LARGE)]
    for slot, name in zip(shelf + ground, names, strict=True):
        turn = rng.uniform(-0.5, 0.5)
        front = np.array([np.sin(turn), -np.cos(turn), 0.0])
        solids += thing(name, slot + point(0, 0, 1.25 * LIFT[name]), z, front)
    screen = rng.uniform(40, 230, 3)
    solids.append(_screen(place.tv, (float(screen[0]), float(screen[1]), float(screen[2]))))
    return solids


#: Height of a thing's centre above what it stands on.
LIFT = {
    "cup": 0.07,
    "glass": 0.09,
    "can": 0.09,
    "bottle": 0.19,
    "kettle": 0.11,
    "book": 0.16,
    "tablet": 0.14,
    "laptop": 0.012,
    "telephone": 0.115,
    "remote": 0.13,
    "pills": 0.08,
    "banana": 0.14,
    "spoon": 0.14,
    "knife": 0.1,
    "bread": 0.065,
}


def shell(rng: Generator, wall: Colour, ground: Colour, door: float) -> list[Solid]:
    """Floor, back wall with a doorway, and the dark corridor behind it."""
    half, top, wide = 0.36, 2.0, 6.0
    left, right = door - half, door + half
    frame, dark, skirting = any_colour(rng, 0.2, 0.6, 0.3, 0.6), dim(wall, 0.45), dim(wall, 0.7)
    solids: list[Solid] = [level(-wide, wide, -wide, 1.5, 0.0, ground)]
    solids += [level(-wide, wide, y, y + 0.03, 0.002, dim(ground, 0.85)) for y in np.arange(-3.5, 1.5, 0.5)]
    solids += [
        upright(-wide, left, 0, 4, 1.5, wall),
        upright(right, wide, 0, 4, 1.5, wall),
        upright(left, right, top, 4, 1.5, wall),
        upright(-wide, left, 0, 0.1, 1.495, skirting),
        upright(right, wide, 0, 0.1, 1.495, skirting),
        upright(left - 2, right + 2, 0, 3, 2.9, dark),
        level(left - 2, right + 2, 1.5, 2.9, 0.0, dim(ground, 0.5)),
    ]
    for x in (left, right):
        solids += block((x - 0.05, 1.46, 0), (x + 0.05, 1.52, top + 0.05), frame)
    return solids + block((left - 0.05, 1.46, top), (right + 0.05, 1.52, top + 0.1), frame)


def _television(at: Array) -> list[Solid]:
    across, out = np.array([0.78, 0.62, 0.0]), np.array([0.62, -0.78, 0.0])
    z = np.array([0.0, 0.0, 1.0])
    corners = [
        at - 0.36 * across - 0.25 * z,
        at + 0.36 * across - 0.25 * z,
        at + 0.36 * across + 0.25 * z,
        at - 0.36 * across + 0.25 * z,
    ]
    stand = at * [1, 1, 0]
    return [
        Polygon(np.stack(corners), (22, 22, 25), 0.0),
        Capsule(stand, at - 0.05 * out, 0.04, 0.04, (40, 40, 45)),
        Capsule(stand - 0.25 * across, stand + 0.25 * across, 0.05, 0.05, (40, 40, 45)),
    ]


def _screen(tv: Array, colour: Colour) -> Polygon:
    across, out = np.array([0.78, 0.62, 0.0]), np.array([0.62, -0.78, 0.0])
    z = np.array([0.0, 0.0, 1.0])
    at = tv + 0.01 * out
    return Polygon(
        np.stack(
            [
                at - 0.33 * across - 0.22 * z,
                at + 0.33 * across - 0.22 * z,
                at + 0.33 * across + 0.22 * z,
                at - 0.33 * across + 0.22 * z,
            ]
        ),
        colour,
        0.0,
    )


def decor(rng: Generator) -> list[Solid]:
    """Two pictures on the wall."""
    solids: list[Solid] = []
    for x in (-0.62, 0.1 + rng.uniform(0, 0.5)):
        w, h, z = rng.uniform(0.14, 0.3), rng.uniform(0.14, 0.22), rng.uniform(1.95, 2.1)
        frame, inner = any_colour(rng, 0.1, 0.6, 0.2, 0.6), any_colour(rng, 0.2, 0.7, 0.5, 0.95)
        solids += [
            upright(x - w - 0.03, x + w + 0.03, z - h - 0.03, z + h + 0.03, 1.49, frame),
            upright(x - w, x + w, z - h, z + h, 1.485, inner),
        ]
    return solids


def pastel(rng: Generator, low: float, high: float) -> Colour:
    """Return a pale colour of any hue; least and most brightness, 0 to 1."""
    return any_colour(rng, 0.03, 0.3, low, high)


def vary(rng: Generator, colour: Colour, by: float = 0.08) -> Colour:
    """Return a colour whose channels are changed by a share of at most `by`."""
    r, g, b = np.clip(np.array(colour) * rng.uniform(1 - by, 1 + by, 3), 0, 255)
    return (float(r), float(g), float(b))
