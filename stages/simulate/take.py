"""A performance under way, and the places of the home where it can happen."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stages.simulate.body import SIDES, Body, Pose, Prop, Torso, axes, torso
from stages.simulate.camera import Array, point, unit
from stages.simulate.scenes.home import Room

Z = np.array([0.0, 0.0, 1.0])


@dataclass
class Performer:
    """One performance: who, when (`t`, seconds, (T,)), and the pose under way."""

    body: Body
    t: Array
    rng: Generator
    pose: Pose = field(init=False)

    def beat(self, low: float, high: float) -> float:
        """Return a duration in seconds between the two, shorter for a brisk subject."""
        return float(self.rng.uniform(low, high)) / self.body.tempo

    @property
    def trunk(self) -> Torso:
        """Where trunk and head are now."""
        return torso(self.body, self.pose)

    def hold(self, name: str, at: Array, up: Array, front: Array, shown: NDArray[np.bool_] | None = None) -> None:
        """Put a thing into the picture; directions need not be square to each other."""
        up = unit(np.broadcast_to(up, at.shape))
        front = np.broadcast_to(front, at.shape)
        front = unit(front - (front * up).sum(-1, keepdims=True) * up)
        self.pose.props.append(Prop(name, at, up, front, np.ones(len(at), bool) if shown is None else shown))

    def grasp(self, hand: int, at: Array) -> None:
        """Bring the palm of a hand (T, 3) to a point."""
        trunk = self.trunk
        shoulder = trunk.chest + SIDES[hand] * 0.112 * self.body.height * trunk.left
        self.pose.hands[:, hand] = at - 0.05 * unit(at - shoulder)


@dataclass
class Take(Performer):
    """A performance at home."""

    room: Room
    object: str | None
    place: str = ""
    posture: str = ""


def smooth(x: Array) -> Array:
    """Return an ease from 0 to 1 (T,) as x goes from 0 to 1, constant outside."""
    x = np.clip(x, 0, 1)
    return np.asarray(x * x * (3 - 2 * x))


def again(take: Performer, period: float, dwell: float = 1.6) -> Array:
    """Return a course (T,) that goes 0, 1, 0 again and again, from a random point on; `dwell` stretches its ends."""
    u = (take.t / period + take.rng.random()) % 1.0
    return smooth(0.5 + dwell * (0.5 - np.abs(2 * u - 1)))


def mix(a: Array, b: Array, share: Array) -> Array:
    """Return a and b (T, 3) mixed by share (T,): 0 is a."""
    return np.asarray(a + (b - a) * share[:, None])


def settle(take: Take, where: str) -> None:
    """Put the body at rest at a place: sitting on the sofa or stool, standing at the counter or on the floor."""
    {"sofa": _on_sofa, "stool": _on_stool, "counter": _at_counter, "floor": _on_floor}[where](take)
    sway = 0.012 * np.sin(2 * np.pi * (take.t / take.rng.uniform(2.5, 4.0) + take.rng.random()))
    take.pose.lean += sway
    take.pose.look[:, 0] += 2 * sway


def stand_still(take: Performer, pelvis: Array, yaw: float, feet: Array, lean: float = 0.0) -> None:
    """Set a pose without motion, arms hanging: pelvis (3,), feet (2, 3)."""
    n = len(take.t)
    pose = Pose(
        np.tile(pelvis, (n, 1)),
        np.full(n, yaw),
        np.tile(feet, (n, 1, 1)),
        np.zeros(n),
        np.full(n, lean),
        np.zeros((n, 2)),
        np.zeros((n, 2, 3)),
        np.full((n, 2), -0.35),
    )
    take.pose = pose
    trunk = take.trunk
    for i, sign in enumerate(SIDES):
        pose.hands[:, i] = trunk.point(0.06, sign * 0.20, -0.31 * take.body.height)


def feet_at(middle: Array, yaw: float, ahead: float, apart: float = 0.11) -> Array:
    """Return where the ankles are (2, 3) that stand `ahead` of a point, on the floor."""
    forward, left, _ = (axis[0] for axis in axes(np.array([yaw]), np.zeros(1)))
    return np.stack([middle * [1, 1, 0] + ahead * forward + sign * apart * left + 0.07 * Z for sign in SIDES])


def _on_sofa(take: Take) -> None:
    take.place, take.posture = "on the sofa", "sitting"
    yaw = -np.pi / 2 + take.rng.uniform(-0.35, 0.35)
    seat = take.room.seat + point(take.rng.uniform(-0.35, 0.35), 0.16, 0.07)
    stand_still(take, seat, yaw, feet_at(seat, yaw, 0.26 * take.body.height), -0.05)
    trunk = take.trunk
    for i, sign in enumerate(SIDES):  # hands on the thighs
        take.pose.hands[:, i] = trunk.pelvis + 0.28 * trunk.forward + sign * 0.12 * trunk.left + 0.14 * Z


def _on_stool(take: Take) -> None:
    take.place, take.posture = "at the counter", "sitting"
    yaw = -np.pi / 2 + take.rng.uniform(-0.15, 0.15)
    seat = take.room.stool + point(0, -0.04, 0.08)
    stand_still(take, seat, yaw, feet_at(seat, yaw, 0.2), 0.12)
    take.pose.feet[:, :, 2] = 0.22
    _hands_on_counter(take)


def _at_counter(take: Take) -> None:
    take.place, take.posture = "at the counter", "standing"
    yaw = -np.pi / 2 + take.rng.uniform(-0.15, 0.15)
    spot = {"ladle": "pot", "knife": "board"}.get(take.object or "", "pot")
    x = take.room.counter[spot][0] + take.rng.uniform(-0.06, 0.06)
    at = np.array([x, take.room.behind, take.body.hip])
    stand_still(take, at, yaw, feet_at(at, yaw, 0.0), 0.12)
    _hands_on_counter(take)


def _hands_on_counter(take: Take) -> None:
    trunk, top = take.trunk, take.room.counter["free"][2]
    for i, sign in enumerate(SIDES):
        hand = trunk.point(0.26, sign * 0.18, 0.0)
        hand[:, 2] = top + 0.05
        take.pose.hands[:, i] = hand


def _on_floor(take: Take) -> None:
    take.place, take.posture = "in the room", "standing"
    yaw = -np.pi / 2 + take.rng.uniform(-0.6, 0.6)
    at = take.room.floor + point(take.rng.uniform(-0.35, 0.35), take.rng.uniform(-0.15, 0.1), take.body.hip)
    stand_still(take, at, yaw, feet_at(at, yaw, 0.0))
