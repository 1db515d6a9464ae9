"""What is handled in the kitchen: a look for each noun, in several colours, and where a hand holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from stages.simulate.camera import Array, cross, point, unit
from stages.simulate.draw import Capsule, Colour, Frustum, Polygon, Solid, box, ring
from stages.simulate.objects import WHITE, thing
from stages.simulate.scenes.shapes import dim

COLOURS: dict[str, Colour] = {
    "white": (240, 240, 236),
    "red": (205, 45, 45),
    "blue": (55, 100, 205),
    "green": (55, 150, 80),
    "yellow": (235, 195, 55),
    "orange": (240, 130, 30),
    "brown": (175, 120, 62),
    "grey": (128, 132, 140),
    "black": (45, 45, 50),
}
#: From the foot of a cupboard's hinge: width and height of its door. From the middle of a drawer's front: half of both.
DOOR, DRAWER = (0.24, 0.25), (0.13, 0.055)


class Thing(NamedTuple):
    """A noun that can be carried. Metres; a thing that lies does so along its `up`."""

    colours: tuple[str, ...]
    rise: float
    """Height of its centre above what it stands or lies on."""
    grip: tuple[float, float, float, float]
    """Where the palm is, from the centre: along its `up`, towards the hand's side, towards the cook, upwards."""
    top: float = 0.0
    """Height of its mouth above its centre."""


THINGS: dict[str, Thing] = {
    "bottle": Thing(("green", "brown", "blue"), 0.105, (0.0, 0.05, 0.03, 0.0), 0.115),
    "bowl": Thing(("blue", "red", "green", "orange"), 0.04, (0.0, 0.10, 0.03, 0.04), 0.05),
    "bread": Thing(("brown",), 0.045, (0.0, 0.06, 0.03, 0.05)),
    "carrot": Thing(("orange",), 0.024, (-0.06, 0.0, 0.01, 0.04)),
    "cup": Thing(("white", "blue", "red", "yellow"), 0.056, (0.0, 0.065, 0.02, 0.02), 0.064),
    "jar": Thing(("red", "yellow", "white", "blue"), 0.065, (0.0, 0.06, 0.03, 0.0), 0.065),
    "knife": Thing(("black", "red", "blue"), 0.015, (-0.05, 0.0, 0.01, 0.035)),
    "plate": Thing(("white", "blue", "green"), 0.012, (0.0, 0.115, 0.02, 0.02), 0.012),
    "pot": Thing(("grey", "red", "blue"), 0.058, (0.0, 0.13, 0.02, 0.05), 0.058),
    "spoon": Thing(("brown", "grey"), 0.022, (0.06, 0.0, 0.01, 0.035)),
}
LIES = frozenset({"carrot", "knife", "spoon"})
#: What the home has too: its name there, how much larger than life, and the colour that is dyed.
_HOME: dict[str, tuple[str, float, Colour | None]] = {
    "bottle": ("bottle", 0.55, (40, 150, 75)),
    "bread": ("bread", 0.7, None),
    "cup": ("cup", 0.8, (245, 245, 250)),
    "glass": ("glass", 0.75, None),
    "knife": ("knife", 0.72, (35, 35, 40)),
    "pot": ("pot", 0.65, (70, 75, 85)),
    "spoon": ("ladle", 0.6, (185, 130, 70)),
}
#: Height of a glass's centre above what it stands on.
GLASS = 0.068


def dye(name: str, rng: Generator) -> str:
    """Return one of a noun's colours, by its word."""
    colours = THINGS[name].colours
    return colours[int(rng.integers(len(colours)))]


def utensil(name: str, at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    """Return a thing's drawing from its centre and the directions of its upper end and of its front, each (3,).

    A cupboard is its door, from the foot of its hinge; a drawer is what can be pulled out, from the middle of its
    front.
    """
    if name in _HOME:
        home, size, dyed = _HOME[name]
        return [_painted(solid, dyed, colour) for solid in thing(home, at, up, front, size)]
    return _OWN[name](at, up, front, colour)


def _painted(solid: Solid, old: Colour | None, new: Colour) -> Solid:
    if solid.colour == old:
        solid = solid._replace(colour=new)
    if isinstance(solid, Frustum) and solid.lid_colour == old:
        solid = solid._replace(lid_colour=new)
    return solid


def _plate(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    low, high = at - 0.012 * up, at + 0.012 * up
    return [
        Polygon(ring(low, high, 0.075), dim(colour, 0.7)),
        Polygon(ring(high, low, 0.125), colour),
        Polygon(ring(high + 0.002 * up, low, 0.118), dim(colour, 0.92)),
        Polygon(ring(high + 0.004 * up, low, 0.078), dim(colour, 0.78)),
    ]


def _bowl(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    return [Frustum(at - 0.04 * up, at + 0.05 * up, 0.06, 0.11, colour, dim(colour, 0.6))]


def _jar(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    glass, honey = (205, 225, 230), (225, 160, 60)
    return [
        Frustum(at - 0.065 * up, at + 0.03 * up, 0.052, 0.052, honey, honey),
        Frustum(at - 0.03 * up, at + 0.01 * up, 0.0535, 0.0535, WHITE, WHITE),
        Frustum(at + 0.03 * up, at + 0.065 * up, 0.052, 0.046, glass, (170, 110, 40)),
    ]


def _disc(radius: float, thick: float, knob: bool) -> Callable[[Array, Array, Array, Colour], list[Solid]]:
    """Return the drawing of a lid that lies upon a mouth, from the middle of its underside."""

    def draw(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
        lid: list[Solid] = [Frustum(at, at + thick * up, radius, radius, colour, dim(colour, 0.85))]
        return [*lid, Capsule(at + 0.02 * up, at + 0.035 * up, 0.014, 0.018, COLOURS["black"])] if knob else lid

    return draw


def _carrot(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    side = cross(up, front)
    leaves = [unit(-up + turn * side + 0.2 * point(0, 0, 1)) for turn in (-0.5, 0.0, 0.5)]
    return [
        Capsule(at - 0.08 * up, at + 0.11 * up, 0.026, 0.008, colour),
        *(Capsule(at - 0.08 * up, at - 0.09 * up + 0.06 * leaf, 0.01, 0.008, (70, 160, 60)) for leaf in leaves),
    ]


def _door(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    """A door whose outside looks along `front`; it reaches from its hinge across `front`."""
    across = cross(up, front)
    middle = at + DOOR[0] / 2 * across + DOOR[1] / 2 * up
    panel, frame = _face(middle, across, up, 0.40 * DOOR[0], 0.42 * DOOR[1]), dim(colour, 0.9)
    handle = at + 0.88 * DOOR[0] * across + 0.3 * DOOR[1] * up + 0.014 * front
    return [
        Polygon(_face(middle, across, up, DOOR[0] / 2, DOOR[1] / 2), colour),
        Polygon(panel + 0.001 * front, frame),
        Polygon(panel - 0.002 * front, dim(colour, 0.8)),
        Capsule(handle, handle + 0.07 * up, 0.009, 0.009, COLOURS["grey"]),
    ]


def _drawer(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    across, inside = cross(up, front), dim(colour, 0.55)
    half, high, deep = DRAWER[0], DRAWER[1], 0.16
    knob = at + 0.014 * front
    back = at - deep * front
    sides = [
        Polygon(_face(at + sign * half * across - deep / 2 * front, front, up, deep / 2, 0.7 * high), inside)
        for sign in (-1.0, 1.0)
    ]
    return [
        *box(at - 0.006 * front, np.array([0.006, half, high]), np.stack([front, across, up]), colour),
        Polygon(_face(at + 0.001 * front, across, up, 0.88 * half, 0.7 * high), dim(colour, 0.9)),
        Polygon(_face(at - deep / 2 * front - 0.6 * high * up, across, front, half, deep / 2), dim(inside, 0.7)),
        Polygon(_face(back, across, up, half, 0.7 * high), inside),
        *sides,
        Capsule(knob - 0.035 * across, knob + 0.035 * across, 0.009, 0.009, COLOURS["grey"]),
    ]


def _inside(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    """What is seen of an open cupboard, from the foot of its hinge: the dark, and a shelf."""
    across = cross(up, front)
    middle = at + DOOR[0] / 2 * across + DOOR[1] / 2 * up
    shelf = at + DOOR[0] / 2 * across + 0.45 * DOOR[1] * up + 0.001 * front
    return [
        *_edge(middle, across, up, DOOR[0] / 2, DOOR[1] / 2, colour),
        Polygon(_face(middle + 0.001 * front, across, up, DOOR[0] / 2 - 0.012, DOOR[1] / 2 - 0.012), (52, 44, 38), 0.0),
        Polygon(_face(shelf + 0.001 * front, across, up, DOOR[0] / 2 - 0.012, 0.006), dim(colour, 0.6)),
    ]


def _gap(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    """Where an open drawer was, from the middle of its front."""
    across = cross(up, front)
    dark = Polygon(_face(at + 0.001 * front, across, up, DRAWER[0] - 0.004, DRAWER[1] - 0.004), (48, 40, 36), 0.0)
    return [*_edge(at, across, up, *DRAWER, colour), dark]


def _edge(middle: Array, u: Array, v: Array, half_u: float, half_v: float, colour: Colour) -> list[Solid]:
    """Return the body behind a door or a drawer's front, a little wider: no pixel of that which is gone is left."""
    return [Polygon(_face(middle, u, v, half_u + 0.004, half_v + 0.004), dim(colour, 0.8))]


def _stream(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    """What flows down from `at` to `at - up`, whose length counts here."""
    return [Capsule(at, at - up, 0.009, 0.011, colour)]


def _cloth(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    side = cross(up, front)
    sheet = _face(at, side, front, 0.05, 0.042)
    return [Polygon(sheet, colour), Polygon(sheet + 0.03 * side - 0.04 * front - 0.004 * up, dim(colour, 0.85))]


def _sponge(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    return box(at, np.array([0.035, 0.05, 0.018]), np.stack([front, cross(up, front), up]), colour)


def _board(at: Array, up: Array, front: Array, colour: Colour) -> list[Solid]:
    return box(at, np.array([0.12, 0.17, 0.009]), np.stack([front, cross(up, front), up]), colour)


def _face(middle: Array, u: Array, v: Array, half_u: float, half_v: float) -> Array:
    a, b = half_u * u, half_v * v
    return np.stack([middle - a - b, middle + a - b, middle + a + b, middle - a + b])


_OWN: dict[str, Callable[[Array, Array, Array, Colour], list[Solid]]] = {
    "board": _board,
    "bowl": _bowl,
    "bottle lid": _disc(0.016, 0.025, False),
    "carrot": _carrot,
    "cloth": _cloth,
    "cupboard": _door,
    "cupboard inside": _inside,
    "drawer": _drawer,
    "drawer inside": _gap,
    "jar": _jar,
    "jar lid": _disc(0.05, 0.022, False),
    "plate": _plate,
    "pot lid": _disc(0.106, 0.012, True),
    "sponge": _sponge,
    "stream": _stream,
}
