"""The mannequin: a newborn on its back or turned to its side."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from stages.simulate.camera import Array, cross
from stages.simulate.draw import Capsule, Solid
from stages.simulate.scenes.table import Newborn

Z = np.array([0.0, 0.0, 1.0])
#: Height of the trunk's middle above the table, metres.
LIES = 0.062


class Lying(NamedTuple):
    """Where it lies over T frames: the trunk's middle (T, 3), the direction of its head (3,), its roll (T,) radians.

    Roll 0 is on its back; a positive one turns its front to its left.
    """

    at: Array
    along: Array
    roll: Array

    def frame(self) -> tuple[Array, Array]:
        """Return the directions left and front, (T, 3) each."""
        flat = cross(Z, self.along)
        c, s = np.cos(self.roll)[:, None], np.sin(self.roll)[:, None]
        return c * flat - s * Z, c * Z + s * flat

    def point(self, along: float | Array, left: float | Array, front: float | Array) -> Array:
        """Return a point (T, 3) given in metres from the trunk's middle along its own directions."""
        to_left, to_front = self.frame()
        a, w, f = (np.broadcast_to(np.asarray(part, float), len(self.at))[:, None] for part in (along, left, front))
        return np.asarray(self.at + a * self.along + w * to_left + f * to_front)

    @property
    def mouth(self) -> Array:
        """The mouth (T, 3)."""
        return self.point(0.152, 0.0, 0.064)


def figure(look: Newborn, at: Array, along: Array, left: Array, front: Array) -> list[Solid]:
    """Return what is drawn of a mannequin whose trunk's middle and directions are given, (3,) each."""
    g, skin = look.size, look.skin

    def p(a: float, w: float, f: float) -> Array:
        return np.asarray(at + g * (a * along + w * left + f * front))

    dark = (skin[0] * 0.8, skin[1] * 0.72, skin[2] * 0.7)
    solids: list[Solid] = [
        Capsule(p(0.05, 0, 0), p(-0.03, 0, 0), 0.058 * g, 0.062 * g, skin),
        Capsule(p(-0.03, 0, 0), p(-0.095, 0, -0.005), 0.062 * g, 0.055 * g, look.nappy or skin),
        Capsule(p(0.05, 0, 0), p(0.12, 0, 0), 0.035 * g, 0.035 * g, skin),
        Capsule(p(0.165, 0, 0.002), p(0.192, 0, 0.0), 0.062 * g, 0.064 * g, skin),
        Capsule(p(0.152, 0, 0.06), p(0.156, 0, 0.062), 0.01 * g, 0.01 * g, dark),  # nose
        Capsule(p(0.132, -0.012, 0.054), p(0.132, 0.012, 0.054), 0.0075 * g, 0.0075 * g, (150, 50, 55)),  # mouth
        Capsule(p(-0.02, 0.0, 0.06), p(-0.012, 0.012, 0.064), 0.007, 0.007, (235, 215, 120)),  # the cord's clamp
    ]
    if look.cap:
        solids.append(Capsule(p(0.205, 0, -0.006), p(0.215, 0, -0.008), 0.064 * g, 0.058 * g, look.cap))
    for side in (1.0, -1.0):
        shoulder, elbow, hand = p(0.07, 0.055 * side, 0), p(0.055, 0.115 * side, 0), p(0.125, 0.13 * side, 0.012)
        hip, knee, foot = p(-0.095, 0.035 * side, 0), p(-0.135, 0.105 * side, 0.012), p(-0.205, 0.05 * side, 0)
        thigh = look.nappy or skin
        solids += [
            Capsule(p(0.168, 0.024 * side, 0.056), p(0.168, 0.03 * side, 0.055), 0.007, 0.007, (45, 35, 35)),
            Capsule(shoulder, elbow, 0.025 * g, 0.021 * g, skin),
            Capsule(elbow, hand, 0.021 * g, 0.019 * g, skin),
            Capsule(hip, (hip + knee) / 2, 0.036 * g, 0.032 * g, thigh),
            Capsule((hip + knee) / 2, knee, 0.03 * g, 0.026 * g, skin),
            Capsule(knee, foot, 0.026 * g, 0.02 * g, skin),
        ]
    return solids
