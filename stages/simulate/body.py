"""An articulated body with COCO's 17 joints: posed by where pelvis, hands and feet are, solved by inverse kinematics.

Every array runs over the T frames of a clip. Index 0 of a pair is the left side, 1 the right.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from stages.simulate.camera import Array, cross, unit
from stages.simulate.draw import Capsule, Colour, Solid

#: COCO's order (Lin et al. 2014).
JOINTS = [
    "nose",
    "left_eye",
    "right_eye",
    "left_ear",
    "right_ear",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
]
SIDES = np.array([1.0, -1.0])


@dataclass(frozen=True)
class Body:
    """A subject's build, dress and habits. `height` is metres, `build` 1 for the average girth."""

    height: float
    build: float
    tempo: float
    """How fast it moves; 1 is the average."""
    hand: int
    """The hand it prefers: 0 left, 1 right."""
    skin: Colour
    hair: Colour
    shirt: Colour
    trousers: Colour
    shoes: Colour
    long_sleeves: bool
    long_hair: bool
    shirt_name: str
    trousers_name: str

    @property
    def hip(self) -> float:
        """Height of the pelvis in standing, metres."""
        return 0.52 * self.height

    @property
    def head(self) -> float:
        """Radius of the head, metres; larger than life, because frames are small."""
        return 0.072 * self.height


@dataclass
class Prop:
    """A thing held: centre, directions of its upper end and of its front (T, 3), and when it is there."""

    name: str
    at: Array
    up: Array
    front: Array
    shown: NDArray[np.bool_]  # (T,)


@dataclass
class Pose:
    """What an activity sets. Angles are radians; `yaw` 0 looks along x, `tilt` leans the whole body forward."""

    pelvis: Array  # (T, 3)
    yaw: Array  # (T,)
    feet: Array  # (T, 2, 3), ankles
    tilt: Array  # (T,)
    lean: Array  # (T,), of the trunk alone
    look: Array  # (T, 2), of the head: turn to the left, nod down
    hands: Array  # (T, 2, 3), wrists
    elbow: Array  # (T, 2), how far forward the elbows point
    props: list[Prop] = field(default_factory=list)

    def backwards(self) -> Pose:
        """Return the pose with its frames in the opposite order."""
        props = [Prop(p.name, p.at[::-1], p.up[::-1], p.front[::-1], p.shown[::-1]) for p in self.props]
        return Pose(
            self.pelvis[::-1],
            self.yaw[::-1],
            self.feet[::-1],
            self.tilt[::-1],
            self.lean[::-1],
            self.look[::-1],
            self.hands[::-1],
            self.elbow[::-1],
            props,
        )


@dataclass(frozen=True)
class Torso:
    """Where the trunk and head of a posed body are, before its limbs. Directions and points are (T, 3)."""

    pelvis: Array
    chest: Array
    head: Array
    mouth: Array
    forward: Array
    left: Array
    up: Array
    face: Array

    def point(self, forward: float | Array, left: float | Array, up: float | Array) -> Array:
        """Return a point (T, 3) given in metres from the chest along the trunk's own directions."""
        f, w, u = (np.broadcast_to(np.asarray(part, float), len(self.chest))[:, None] for part in (forward, left, up))
        return np.asarray(self.chest + f * self.forward + w * self.left + u * self.up)


def axes(yaw: Array, tilt: Array) -> tuple[Array, Array, Array]:
    """Return the directions forward, left and up (T, 3) of a body turned by `yaw` and tilted forward by `tilt`."""
    zero = np.zeros_like(yaw)
    ahead = np.stack([np.cos(yaw), np.sin(yaw), zero], -1)
    left = np.stack([-np.sin(yaw), np.cos(yaw), zero], -1)
    z = np.array([0.0, 0.0, 1.0])
    c, s = np.cos(tilt)[:, None], np.sin(tilt)[:, None]
    return c * ahead - s * z, left, c * z + s * ahead


def torso(body: Body, pose: Pose) -> Torso:
    """Return the trunk and head of a posed body."""
    forward, left, up = axes(pose.yaw, pose.tilt + pose.lean)
    chest = pose.pelvis + 0.30 * body.height * up
    face, side, crown = axes(pose.yaw, pose.tilt + pose.lean * 0.6 + pose.look[:, 1])
    turn = pose.look[:, :1]
    face = np.cos(turn) * face + np.sin(turn) * side
    head = chest + 0.055 * body.height * up + (0.012 * body.height + body.head) * crown
    mouth = head + 0.95 * body.head * face - 0.45 * body.head * crown
    return Torso(pose.pelvis, chest, head, mouth, forward, left, up, unit(face))


def bend(start: Array, goal: Array, upper: float, lower: float, pole: Array) -> tuple[Array, Array]:
    """Return the middle joint and the end (T, 3) of a limb that reaches for `goal`, bending towards `pole`.

    A goal out of reach is approached as far as the limb goes.
    """
    line = goal - start
    reach = np.clip(np.linalg.norm(line, axis=-1, keepdims=True), abs(upper - lower) + 1e-3, upper + lower - 1e-3)
    line = unit(line)
    along = (upper**2 - lower**2 + reach**2) / (2 * reach)
    out = unit(pole - (pole * line).sum(-1, keepdims=True) * line)
    middle = start + along * line + np.sqrt(np.maximum(upper**2 - along**2, 0)) * out
    return middle, start + reach * line


def joints(body: Body, pose: Pose) -> Array:
    """Return COCO's joints (T, 17, 3), metres in the world, of a posed body."""
    trunk, h = torso(body, pose), body.height
    pelvis_forward, pelvis_left, _ = axes(pose.yaw, pose.tilt)
    side = cross(trunk.up, trunk.face)
    found = np.empty((len(pose.yaw), 17, 3))
    found[:, 0] = trunk.head + body.head * 1.08 * trunk.face
    for i, sign in enumerate(SIDES):
        found[:, 1 + i] = trunk.head + body.head * (0.88 * trunk.face + 0.36 * sign * side + 0.22 * trunk.up)
        found[:, 3 + i] = trunk.head + body.head * 0.98 * sign * side
        shoulder = trunk.chest + sign * 0.112 * h * body.build**0.5 * trunk.left
        pole = -0.9 * trunk.up + pose.elbow[:, i, None] * trunk.forward + 0.55 * sign * trunk.left
        elbow, wrist = bend(shoulder, pose.hands[:, i], 0.17 * h, 0.155 * h, pole)
        hip = pose.pelvis + sign * 0.06 * h * body.build**0.5 * pelvis_left
        knee, ankle = bend(hip, pose.feet[:, i], 0.25 * h, 0.245 * h, pelvis_forward + 0.15 * sign * pelvis_left)
        for at, where in zip((5, 7, 9, 11, 13, 15), (shoulder, elbow, wrist, hip, knee, ankle), strict=True):
            found[:, at + i] = where
    return found


def figure(body: Body, joint: Array, trunk: Torso, toes: Array, t: int) -> list[Solid]:
    """Return what is drawn of a body in frame `t`. `joint` (T, 17, 3), `toes` (T, 3) the direction of the feet."""
    p, g, h, r = joint[t], body.build, body.height, body.head
    head, face, up = trunk.head[t], trunk.face[t], trunk.up[t]
    sleeve = body.shirt if body.long_sleeves else body.skin
    middle = trunk.pelvis[t] + 0.02 * h * up
    solids: list[Solid] = [
        Capsule(trunk.chest[t] - 0.05 * h * up, middle, 0.06 * h * g, 0.06 * h * g, body.shirt),
        Capsule(p[5], p[6], 0.05 * h * g, 0.05 * h * g, body.shirt),
        Capsule(trunk.chest[t], head, 0.033 * h, 0.033 * h, body.skin),
        Capsule(head - 0.1 * r * up, head + 0.12 * r * up, 0.92 * r, r, body.skin),
        Capsule(head + r * (0.32 * up - 0.3 * face), head + r * (0.2 * up - 0.3 * face), r, r, body.hair),
        Capsule(p[0], p[0], 0.16 * r, 0.16 * r, body.skin),
    ]
    if body.long_hair:
        solids.append(Capsule(head - 0.45 * r * face, trunk.chest[t] - 0.6 * r * face, 0.85 * r, 0.6 * r, body.hair))
    for i in (0, 1):
        shoulder, elbow, wrist, hip, knee, ankle = (p[at + i] for at in (5, 7, 9, 11, 13, 15))
        hand = wrist + 0.03 * h * unit(wrist - elbow)
        inner = 0.35 * trunk.chest[t] + 0.65 * shoulder - 0.03 * h * up
        solids += [
            Capsule(inner, hip + 0.03 * h * up, 0.064 * h * g, 0.058 * h * g, body.shirt),
            Capsule(p[1 + i], p[1 + i], 0.17 * r, 0.17 * r, (25, 20, 20)),
            Capsule(shoulder, elbow, 0.036 * h * g, 0.030 * h * g, body.shirt),
            Capsule(elbow, wrist, 0.029 * h * g, 0.022 * h * g, sleeve),
            Capsule(wrist, hand, 0.025 * h, 0.027 * h, body.skin),
            Capsule(hip, knee, 0.058 * h * g, 0.042 * h * g, body.trousers),
            Capsule(knee, ankle, 0.040 * h * g, 0.028 * h * g, body.trousers),
            Capsule(ankle, ankle + 0.10 * h * toes[t], 0.028 * h, 0.022 * h, body.shoes),
        ]
    return solids
