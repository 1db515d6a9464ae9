"""Other people who walk through the room, before and behind the two, and at times stop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator

from stages.simulate.body import Body
from stages.simulate.camera import Array, point
from stages.simulate.duo import walk
from stages.simulate.scenes.hall import BEFORE, BEHIND
from stages.simulate.take import Performer

#: Share of those who pass that go before the two, of those who go behind that stop, and how far from the middle.
IN_FRONT, STOPS, STOP_AT = 0.35, 0.4, 1.3


def passing(bodies: Sequence[Body], t: Array, rng: Generator) -> list[Performer]:
    """Return the performances of those who pass, at times `t` (T,), seconds; each is somewhere in the picture."""
    return [_one(body, t, rng) for body in bodies]


def _one(body: Body, t: Array, rng: Generator) -> Performer:
    one = Performer(body, t, rng)
    front = rng.random() < IN_FRONT
    y = rng.uniform(*(BEFORE if front else BEHIND))
    way, speed = (1.0 if rng.random() < 0.5 else -1.0), rng.uniform(0.8, 1.25)
    middle = rng.uniform(0.2, 0.8) * t[-1]  # when they pass the two
    x = way * speed * (t - middle)
    if not front and rng.random() < STOPS:
        x = _stopping(x, way * rng.uniform(-STOP_AT, 0.3 * STOP_AT), way)
    at = point(0.0, y, 0.0) + x[:, None] * point(1, 0, 0)
    walk(one, at, np.full(len(t), 0.0 if way > 0 else np.pi))
    one.pose.look[:, 0] += way * (1 if front else -1) * rng.uniform(0.0, 0.6)  # towards the two
    return one


def _stopping(x: Array, end: float, way: float) -> Array:
    """Return a course (T,) of x that ends at a place instead of passing it, slowing down before."""
    left = way * (end - x)  # metres to go
    slowing = np.maximum(left + 0.5, 0) ** 2 / 2
    return np.asarray(end - way * np.where(left > 0.5, left, slowing))
