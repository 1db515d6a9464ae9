"""Hands, and what they hold at the resuscitation table: mask with bag, and suction."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from stages.simulate.camera import Array, cross, unit
from stages.simulate.draw import Capsule, Colour, Frustum, Solid
from stages.simulate.scenes.table import Worker

Z = np.array([0.0, 0.0, 1.0])
#: From the middle of the mask's foot to the middle of the bag, along the mask's front and along the bag, metres.
RISE, BAG = 0.045, 0.10
#: From the suction's tip to where it is held, metres.
GRIP = 0.165


def hand(who: Worker, elbow: Array, palm: Array, curl: float, left: bool) -> list[Solid]:
    """Return an arm from the elbow with its hand, from elbow and palm (3,); `curl` 0 is flat, 1 a grip."""
    size = 1.08 * who.size
    ahead = unit(palm - elbow)
    flat = unit(ahead - (ahead @ Z) * Z)
    across = cross(Z, flat) * (-1.0 if left else 1.0)
    wrist = palm - 0.045 * size * ahead
    cuff = elbow + 0.55 * (wrist - elbow)
    solids: list[Solid] = [
        Capsule(elbow, cuff, 0.052 * size, 0.040 * size, who.sleeve),
        Capsule(cuff, wrist, 0.034 * size, 0.026 * size, who.bare),
        Capsule(wrist, palm - 0.005 * flat, 0.027 * size, 0.031 * size, who.hand),
        Capsule(palm, palm + 0.02 * size * flat, 0.031 * size, 0.029 * size, who.hand),
    ]
    reach, drop = 0.058 * size * (1 - 0.45 * curl), 0.038 * size * curl
    for finger in range(4):
        aside = (finger - 1.5) * 0.0165 * size
        base = palm + 0.034 * size * flat + aside * across
        tip = base + reach * flat + 0.35 * aside * across - drop * Z
        solids.append(Capsule(base, tip, 0.0115 * size, 0.0095 * size, who.hand))
    thumb = palm + 0.006 * flat + 0.027 * size * across
    solids.append(
        Capsule(
            thumb,
            thumb + 0.04 * size * unit(0.75 * flat + (0.75 - curl) * across) - 0.4 * drop * Z,
            0.0125 * size,
            0.011 * size,
            who.hand,
        )
    )
    return solids


def mask_and_bag(at: Array, front: Array, bag: Array, squeeze: float, colour: Colour) -> list[Solid]:
    """Return mask and bag from the middle of the mask's foot, where it points and where the bag points, (3,) each."""
    top = at + RISE * front
    low, high = top + 0.045 * bag, top + 0.155 * bag
    middle = (low + high) / 2
    slack = 1 - 0.5 * squeeze
    return [
        Frustum(at, at + 0.014 * front, 0.046, 0.044, (240, 245, 245), (240, 245, 245)),
        Frustum(at + 0.014 * front, top, 0.041, 0.02, (165, 215, 225), (200, 235, 240)),
        Capsule(top, low, 0.015, 0.016, (70, 75, 85)),
        Capsule(low, middle, 0.027, 0.046 * slack, colour),
        Capsule(middle, high, 0.046 * slack, 0.027, colour),
        Capsule(high, high + 0.03 * bag, 0.015, 0.012, (225, 225, 220)),
    ]


def suction(tip: Array, back: Array, canister: Array, colour: Colour) -> list[Solid]:
    """Return the suction from its tip, the direction back to the hand, and where its tube comes from, (3,) each."""
    start, end = tip + 0.075 * back, tip + 0.19 * back
    tube, handle = (250, 252, 248), colour
    solids: list[Solid] = [Capsule(tip, start, 0.009, 0.011, tube), Capsule(start, end, 0.019, 0.021, handle)]
    sag = np.linspace(0, 1, 6)
    course = end + sag[:, None] * (canister - end) - (0.25 * sag * (1 - sag) * end[2])[:, None] * Z
    course = np.maximum(course, [-9, -9, 0.012])
    solids += [Capsule(a, b, 0.008, 0.008, (205, 225, 205)) for a, b in pairwise(course)]
    return solids
