"""Two people on a floor: where each stands or walks, and the courses by which they act on each other.

Index 0 is who stands further left in the picture. A motion draws only from the duo's generator and reads only its
times, so that it can be played backwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from stages.simulate.body import SIDES, Body
from stages.simulate.camera import Array, cross, unit
from stages.simulate.motions import stride
from stages.simulate.take import Performer, Z, mix, smooth

#: Radians, the same all the time or (T,).
Turn = float | Array
RIGHT = 1
"""The hand that is given."""


@dataclass
class Duo:
    """Two performances at the same times `t` (T,), seconds.

    `middle` (3,) is between the two on the floor, `across` (3,) the direction from the left to the right one, `away`
    (3,) the one away from the camera.
    """

    bodies: tuple[Body, Body]
    middle: Array
    across: Array
    who: int
    """Who acts: 0 or 1."""
    t: Array
    rng: Generator
    object: str | None = None
    """What is handed over."""
    both: tuple[Performer, Performer] = field(init=False)

    def __post_init__(self) -> None:
        left, right = (Performer(body, self.t, self.rng) for body in self.bodies)
        self.both = (left, right)

    @property
    def actor(self) -> Performer:
        """Who acts."""
        return self.both[self.who]

    @property
    def other(self) -> Performer:
        """On whom it is acted."""
        return self.both[1 - self.who]

    @property
    def away(self) -> Array:
        """The direction on the floor (3,) away from the camera."""
        return cross(Z, self.across)

    @property
    def length(self) -> float:
        """The last frame's time, seconds."""
        return float(self.t[-1])

    def ahead(self, one: int) -> Array:
        """Return the direction (3,) from one to the other."""
        return self.across if one == 0 else -self.across

    def facing(self, one: int, turn: Turn = 0.0) -> Array:
        """Return the yaw (T,) of one who looks at the other, turned away from the camera by `turn` (T,), radians."""
        ahead = self.ahead(one)
        side = 1.0 if one == 0 else -1.0
        return np.full(len(self.t), np.arctan2(ahead[1], ahead[0]) + side * turn)

    def apart(self, gap: Array, back: Array | None = None, turns: tuple[Turn, Turn] = (0.0, 0.0)) -> None:
        """Let both stand and step: the acting one `gap` (T,) from the middle, the other as far, and `back` (T,) more.

        `turns` (T,) turn the acting one and the other away from the camera, radians.
        """
        other_gap = gap if back is None else gap.min() + back
        for one, far, turn in ((self.who, gap, turns[0]), (1 - self.who, other_gap, turns[1])):
            at = self.middle - far[:, None] * self.ahead(one)
            walk(self.both[one], at, self.facing(one, turn + self.rng.uniform(-0.12, 0.12)))
            sway(self.both[one])

    def moment(self, low: float, high: float) -> float:
        """Return a time between two shares of the clip, seconds."""
        return float(self.rng.uniform(low, high)) * self.length

    def rise(self, start: float, takes: float) -> Array:
        """Return a course (T,) from 0 at a time to 1 so many seconds later."""
        return smooth((self.t - start) / takes)

    def pulse(self, middle: float, half: float) -> Array:
        """Return a course (T,) that goes from 0 to 1 at a time and back to 0, in `half` seconds each."""
        return smooth(1 - np.abs(self.t - middle) / half)

    def beats(self, seconds: float, dwell: float = 1.3) -> Array:
        """Return a course (T,) that goes 0, 1, 0 again and again from a random point on; `dwell` stretches its ends."""
        u = (self.t / seconds + self.rng.random()) % 1.0
        return smooth(0.5 + dwell * (0.5 - np.abs(2 * u - 1)))


def walk(one: Performer, at: Array, yaw: Array) -> None:
    """Let a body go along a course on the floor (T, 3), looking along `yaw` (T,); where it rests, the body stands."""
    velocity = np.gradient(at, one.t, axis=0)
    distance = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(at, axis=0), axis=1))])
    effort = smooth(np.linalg.norm(velocity, axis=1) / 0.6)
    stride(one, at, yaw, distance, unit(velocity), 0.34 * one.body.height, effort)
    one.pose.pelvis[:, 2] += 0.025  # seen from the side, knees that are not straight look bent


def sway(one: Performer) -> None:
    """Let a standing body sway, as nobody stands like a post."""
    course = np.sin(2 * np.pi * (one.t / one.rng.uniform(2.0, 3.5) + one.rng.random()))
    one.pose.lean = one.pose.lean + 0.025 * course
    one.pose.look[:, 0] += 0.08 * course


def reach(one: Performer, hand: int, goal: Array, share: Array) -> None:
    """Bring a wrist from where it is towards a point (T, 3) by a share (T,)."""
    one.pose.hands[:, hand] = mix(one.pose.hands[:, hand], goal, share)


def hold_up(one: Performer, hand: int, forward: float, out: float, up: float, share: Array) -> None:
    """Bring a wrist by a share (T,) to a place that the trunk has: metres forward, out to the hand's side, and up."""
    reach(one, hand, one.trunk.point(forward, float(SIDES[hand]) * out, up), share)
