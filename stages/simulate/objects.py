"""The things that activities need, drawn larger than life so that they are known in a small frame."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stages.simulate.camera import Array, cross, unit
from stages.simulate.draw import Capsule, Colour, Frustum, Polygon, Solid, box

WHITE, BLACK, STEEL, WOOD = (235, 235, 230), (35, 35, 40), (170, 175, 182), (150, 105, 60)

#: A thing's drawing from its centre, the directions of its upper end and of its front, each (3,).
Draw = Callable[[Array, Array, Array], list[Solid]]


def _round(
    at: Array,
    up: Array,
    low: float,
    high: float,
    foot: float,
    lid: float,
    colour: Colour,
    lid_colour: Colour | None = None,
) -> Frustum:
    return Frustum(at + low * up, at + high * up, foot, lid, colour, lid_colour or colour)


def _cup(at: Array, up: Array, front: Array) -> list[Solid]:
    side = cross(up, front)
    rim = at + 0.01 * up
    handle = [rim + 0.075 * side + 0.045 * up, rim + 0.12 * side, rim + 0.07 * side - 0.045 * up]
    return [
        _round(at, up, -0.07, 0.08, 0.06, 0.075, (245, 245, 250), (95, 60, 35)),
        Capsule(handle[0], handle[1], 0.014, 0.014, (245, 245, 250)),
        Capsule(handle[1], handle[2], 0.014, 0.014, (245, 245, 250)),
    ]


def _glass(at: Array, up: Array, front: Array) -> list[Solid]:
    return [
        _round(at, up, -0.09, 0.03, 0.05, 0.06, (250, 165, 40), (255, 190, 80)),
        _round(at, up, 0.03, 0.10, 0.06, 0.065, (205, 225, 235), (225, 240, 248)),
    ]


def _can(at: Array, up: Array, front: Array) -> list[Solid]:
    red = (205, 20, 35)
    return [
        _round(at, up, -0.09, -0.075, 0.045, 0.05, STEEL),
        _round(at, up, -0.075, -0.02, 0.052, 0.052, red),
        _round(at, up, -0.02, 0.02, 0.0525, 0.0525, WHITE),
        _round(at, up, 0.02, 0.075, 0.052, 0.052, red),
        _round(at, up, 0.075, 0.09, 0.05, 0.045, STEEL, (215, 218, 222)),
    ]


def _bottle(at: Array, up: Array, front: Array) -> list[Solid]:
    return [
        _round(at, up, -0.19, 0.06, 0.055, 0.055, (40, 150, 75), (40, 150, 75)),
        _round(at, up, -0.10, 0.0, 0.057, 0.057, (240, 235, 190)),
        _round(at, up, 0.06, 0.13, 0.055, 0.02, (40, 150, 75)),
        _round(at, up, 0.13, 0.21, 0.02, 0.02, (30, 120, 60)),
    ]


def _kettle(at: Array, up: Array, front: Array) -> list[Solid]:
    handle = [at - 0.09 * front + 0.07 * up, at - 0.10 * front + 0.19 * up, at + 0.09 * front + 0.19 * up]
    return [
        _round(at, up, -0.11, 0.10, 0.12, 0.075, STEEL, (120, 125, 132)),
        Capsule(at + 0.07 * front - 0.02 * up, at + 0.2 * front + 0.09 * up, 0.035, 0.02, STEEL),
        Capsule(handle[0], handle[1], 0.017, 0.017, BLACK),
        Capsule(handle[1], handle[2], 0.017, 0.017, BLACK),
    ]


def _book(at: Array, up: Array, front: Array) -> list[Solid]:
    side = cross(up, front)
    solids: list[Solid] = []
    for sign in (-1.0, 1.0):
        out = unit(sign * side + 0.45 * front)
        for depth, grow, colour in ((0.0, 0.012, (175, 40, 45)), (0.02, 0.0, (250, 246, 230))):
            near, far = at + depth * front, at + depth * front + (0.2 + grow) * out
            high = (0.14 + grow) * up
            solids.append(Polygon(np.stack([near - high, far - high, far + high, near + high]), colour, 0.5))
        for line in np.linspace(-0.09, 0.09, 5):  # lines of print
            a, b = at + 0.024 * front + 0.03 * out + line * up, at + 0.024 * front + 0.17 * out + line * up
            solids.append(Polygon(np.stack([a, b, b + 0.014 * up, a + 0.014 * up]), (120, 116, 108), 0.0))
    return solids


def _tablet(at: Array, up: Array, front: Array) -> list[Solid]:
    side = cross(up, front)
    half, axes = np.array([0.012, 0.19, 0.135]), np.stack([front, side, up])
    screen = _panel(at + 0.014 * front, side, up, 0.165, 0.112, (70, 190, 250))
    icons = [
        _panel(at + 0.016 * front + x * side + z * up, side, up, 0.026, 0.026, (250, 250, 250))
        for x in (-0.1, 0.0, 0.1)
        for z in (-0.05, 0.05)
    ]
    return [*box(at, half, axes, BLACK), screen, *icons]


def _laptop(at: Array, up: Array, front: Array) -> list[Solid]:
    """The base lies square to `up`, the screen stands at its far side and looks along `front`."""
    side = cross(up, front)
    hinge = at - 0.13 * front
    rise = unit(up - 0.35 * front)
    face = unit(front + 0.35 * up)
    lid = hinge + 0.135 * rise
    base = box(at, np.array([0.13, 0.19, 0.012]), np.stack([front, side, up]), (150, 152, 158))
    keys = _panel(at + 0.014 * up, side, front, 0.16, 0.08, (60, 62, 68))
    back = box(lid, np.array([0.01, 0.19, 0.135]), np.stack([face, side, rise]), (120, 122, 128))
    return [
        *base,
        keys,
        *back,
        _panel(lid + 0.013 * face, side, rise, 0.17, 0.115, (120, 170, 255)),
        _panel(lid + 0.015 * face + 0.02 * rise, side, rise, 0.12, 0.06, (250, 250, 255)),
    ]


def _telephone(at: Array, up: Array, front: Array) -> list[Solid]:
    side = cross(up, front)
    return [
        *box(at, np.array([0.02, 0.055, 0.12]), np.stack([front, side, up]), (40, 120, 235)),
        _panel(at + 0.02 * front, side, up, 0.04, 0.09, (150, 235, 160)),
    ]


def _remote(at: Array, up: Array, front: Array) -> list[Solid]:
    return [
        Capsule(at - 0.1 * up, at + 0.13 * up, 0.028, 0.024, BLACK),
        Capsule(at + 0.14 * up, at + 0.15 * up, 0.018, 0.018, (230, 40, 40)),
    ]


def _pills(at: Array, up: Array, front: Array) -> list[Solid]:
    return [
        _round(at, up, -0.08, 0.05, 0.06, 0.06, (245, 130, 20)),
        _round(at, up, 0.05, 0.09, 0.06, 0.06, WHITE, WHITE),
    ]


def _banana(at: Array, up: Array, front: Array) -> list[Solid]:
    a, b, c = at - 0.13 * up + 0.03 * front, at - 0.02 * front, at + 0.13 * up + 0.03 * front
    yellow = (250, 215, 45)
    return [
        Capsule(a, b, 0.022, 0.036, yellow),
        Capsule(b, c, 0.036, 0.026, yellow),
        Capsule(c, c + 0.02 * up, 0.012, 0.012, (250, 245, 215)),
    ]


def _spoon(at: Array, up: Array, front: Array) -> list[Solid]:
    return [
        Capsule(at - 0.13 * up, at + 0.09 * up, 0.012, 0.012, (225, 228, 235)),
        Capsule(at + 0.11 * up, at + 0.14 * up, 0.028, 0.028, (225, 228, 235)),
    ]


def _ladle(at: Array, up: Array, front: Array) -> list[Solid]:
    return [
        Capsule(at - 0.24 * up, at + 0.14 * up, 0.018, 0.018, (185, 130, 70)),
        Capsule(at - 0.25 * up, at - 0.22 * up, 0.045, 0.045, (185, 130, 70)),
    ]


def _knife(at: Array, up: Array, front: Array) -> list[Solid]:
    tip, heel = at + 0.27 * up, at + 0.05 * up
    blade = np.stack(
        [heel - 0.035 * front, tip - 0.03 * front, heel + 0.25 * (tip - heel) + 0.035 * front, heel + 0.035 * front]
    )
    return [Capsule(at - 0.08 * up, heel, 0.02, 0.02, BLACK), Polygon(blade, (225, 230, 238), 0.0)]


def _pot(at: Array, up: Array, front: Array) -> list[Solid]:
    side = cross(up, front)
    return [
        _round(at, up, -0.09, 0.09, 0.16, 0.16, (70, 75, 85), (190, 70, 30)),
        Capsule(at + 0.16 * side + 0.05 * up, at + 0.24 * side + 0.05 * up, 0.02, 0.02, BLACK),
        Capsule(at - 0.16 * side + 0.05 * up, at - 0.24 * side + 0.05 * up, 0.02, 0.02, BLACK),
    ]


def _bowl(at: Array, up: Array, front: Array) -> list[Solid]:
    return [_round(at, up, -0.045, 0.055, 0.07, 0.13, (70, 110, 200), (240, 225, 180))]


def _board(at: Array, up: Array, front: Array) -> list[Solid]:
    """A cutting board with carrots and a cucumber."""
    side = cross(up, front)
    plank = box(at, np.array([0.14, 0.2, 0.015]), np.stack([front, side, up]), (205, 165, 110))
    carrots: list[Solid] = [
        Capsule(at + 0.04 * up + s * side + f * front, at + 0.04 * up + (s + 0.1) * side + f * front, 0.028, 0.02, c)
        for s, f, c in ((-0.15, 0.04, (245, 125, 25)), (-0.14, -0.05, (70, 160, 60)), (0.05, 0.05, (245, 125, 25)))
    ]
    return plank + carrots


def _bread(at: Array, up: Array, front: Array) -> list[Solid]:
    side = cross(up, front)
    return [
        Capsule(at - 0.1 * side, at + 0.1 * side, 0.065, 0.065, (195, 130, 60)),
        Capsule(at + 0.165 * side, at + 0.166 * side, 0.055, 0.055, (245, 225, 180)),
    ]


def _stream(at: Array, up: Array, front: Array) -> list[Solid]:
    return [Capsule(at, at - 0.16 * up, 0.014, 0.012, (120, 190, 240))]


_OBJECTS: dict[str, Draw] = {
    "cup": _cup,
    "glass": _glass,
    "can": _can,
    "bottle": _bottle,
    "kettle": _kettle,
    "book": _book,
    "tablet": _tablet,
    "laptop": _laptop,
    "telephone": _telephone,
    "remote": _remote,
    "pills": _pills,
    "banana": _banana,
    "spoon": _spoon,
    "ladle": _ladle,
    "knife": _knife,
    "pot": _pot,
    "bowl": _bowl,
    "board": _board,
    "bread": _bread,
    "stream": _stream,
}


#: How much larger than life small things are, and the largest.
SMALL, LARGE = 1.25, 1.05
#: From a vessel's centre to its mouth, metres.
UPPER = {"bottle": 0.21 * SMALL, "can": 0.09 * SMALL, "cup": 0.08 * SMALL, "glass": 0.1 * SMALL}


def thing(name: str, at: Array, up: Array, front: Array, size: float | None = None) -> list[Solid]:
    """Return a thing's drawing from its centre and the directions of its upper end and of its front, each (3,).

    `size` is how much larger than life it is; its own by default.
    """
    own = LARGE if name in ("laptop", "pot", "board", "bowl") else SMALL
    return [_scaled(solid, at, own if size is None else size) for solid in _OBJECTS[name](at, up, front)]


def _scaled(solid: Solid, at: Array, by: float) -> Solid:
    if isinstance(solid, Polygon):
        return solid._replace(corners=at + by * (solid.corners - at))
    ends = at + by * (solid[0] - at), at + by * (solid[1] - at), by * solid[2], by * solid[3]
    if isinstance(solid, Capsule):
        return Capsule(*ends, solid.colour)
    return Frustum(*ends, solid.colour, solid.lid_colour)


def _panel(at: Array, side: Array, up: Array, half_width: float, half_height: float, colour: Colour) -> Polygon:
    a, b = half_width * side, half_height * up
    return Polygon(np.stack([at - a - b, at + a - b, at + a + b, at - a + b]), colour, 0.0)
