"""How activities move: each motion sets where pelvis, hands and feet are over time, and what is held.

A motion draws only from the take's generator and reads only the take's times, so that it can be played backwards.
"""

from __future__ import annotations

import numpy as np

from stages.simulate.body import SIDES, axes
from stages.simulate.camera import Array, cross, point, unit
from stages.simulate.objects import UPPER
from stages.simulate.take import Performer, Take, Z, again, feet_at, mix, settle, smooth, stand_still


def drink(take: Take) -> None:
    """A vessel goes from before the chest to the mouth, is tipped, and comes back."""
    assert take.object is not None
    hand, half = take.body.hand, UPPER[take.object]
    up_there = again(take, take.beat(2.4, 3.4), 1.9)
    trunk = take.trunk
    take.pose.look[:, 1] -= 0.25 * up_there
    tipped = unit(-0.85 * trunk.face + (-0.15 if take.object == "bottle" else 0.55) * Z)
    axis = unit(mix(np.broadcast_to(Z, tipped.shape), tipped, up_there))
    low = trunk.point(0.30, SIDES[hand] * 0.10, -0.13)
    at = mix(low, take.trunk.mouth - tipped * half + 0.03 * trunk.face, up_there)
    take.grasp(hand, at)
    take.hold(take.object, at, axis, cross(axis, trunk.left))


def pour(take: Take) -> None:
    """A vessel is tipped over a cup that the other hand holds."""
    assert take.object is not None
    hand = take.body.hand
    side = float(SIDES[hand])
    take.pose.look[:, 1] += 0.25
    trunk = take.trunk
    tip = again(take, take.beat(2.4, 3.4), 2.2)
    cup = trunk.point(0.34, -side * 0.12, -0.31)
    take.grasp(1 - hand, cup)
    take.hold("cup", cup, Z, trunk.left)
    across = -side * trunk.left
    mouth = cup + 0.16 * Z - 0.02 * across
    if take.object == "kettle":  # pours from a spout at its front
        tipped = unit(0.6 * across + 0.8 * Z)
        over = mouth - 0.25 * unit(0.8 * across - 0.6 * Z) - 0.11 * tipped
    else:
        tipped = unit(across - 0.55 * Z)
        over = mouth - UPPER[take.object] * tipped
    axis = unit(mix(np.broadcast_to(Z, across.shape), tipped, tip))
    at = mix(cup + 0.20 * Z - 0.30 * across, over, tip)
    take.grasp(hand, at)
    take.hold(take.object, at, axis, across)
    take.hold("stream", mouth, Z, trunk.left, shown=tip > 0.85)


def eat(take: Take) -> None:
    """A spoon goes from the bowl on the counter to the mouth, or a snack is bitten."""
    assert take.object is not None
    hand = take.body.hand
    side = float(SIDES[hand])
    up_there = again(take, take.beat(1.3, 1.9), 1.3)
    if take.object == "spoon":
        take.pose.lean += 0.12 * up_there
        trunk = take.trunk
        bowl = np.broadcast_to(take.room.counter["bowl"] + 0.16 * Z, trunk.mouth.shape)
        axis = unit(
            mix(
                unit(-0.5 * Z + 0.4 * trunk.forward - 0.5 * side * trunk.left),
                unit(-0.6 * trunk.face - 0.7 * side * trunk.left + 0.1 * Z),
                up_there,
            )
        )
        at = mix(bowl, trunk.mouth + 0.03 * trunk.face, up_there) - 0.13 * axis
    else:
        trunk = take.trunk
        low = trunk.point(0.24, side * 0.12, -0.08)
        axis = unit(mix(unit(Z + 0.2 * trunk.forward), unit(-trunk.face + 0.5 * Z), up_there))
        at = mix(low, trunk.mouth + 0.12 * trunk.face - 0.05 * Z, up_there)
    take.grasp(hand, at)
    take.hold(take.object, at, axis, trunk.forward)


def take_pills(take: Take) -> None:
    """One hand holds up the box of pills, the other goes to the mouth and the head tips back."""
    hand = take.body.hand
    side = float(SIDES[hand])
    up_there = again(take, take.beat(1.8, 2.4), 1.6)
    take.pose.look[:, 1] -= 0.35 * up_there
    trunk = take.trunk
    box = trunk.point(0.30, -side * 0.06, -0.06)
    take.grasp(1 - hand, box)
    take.hold("pills", box, Z, trunk.forward)
    take.pose.hands[:, hand] = mix(box + 0.12 * Z + 0.04 * side * trunk.left, trunk.mouth + 0.07 * trunk.face, up_there)


def read(take: Take) -> None:
    """Both hands hold something before the face; now and then a hand wipes or turns."""
    assert take.object is not None
    take.pose.look[:, 1] += 0.35
    trunk = take.trunk
    at = trunk.point(0.36, 0.0, -0.02)
    front = unit(-trunk.forward + 0.5 * trunk.up)
    up = unit(trunk.up + 0.5 * trunk.forward)
    wide = 0.2
    wipe = again(take, take.beat(1.2, 2.0), 2.5)
    for i, sign in enumerate(SIDES):
        edge = at + sign * wide * trunk.left - 0.05 * up
        if i == take.body.hand and take.object == "tablet":
            edge = mix(edge, at + 0.06 * front + sign * 0.02 * trunk.left, wipe)
        elif i == take.body.hand:
            edge = mix(edge, at - sign * 0.1 * trunk.left + 0.10 * front + 0.1 * up, wipe**3)
        take.grasp(i, edge)
    take.hold(take.object, at, up, front)


def type_on(take: Take) -> None:
    """Both hands type on a laptop on the lap."""
    take.pose.look[:, 1] += 0.4
    trunk = take.trunk
    at = trunk.pelvis + 0.34 * trunk.forward * [1, 1, 0] + 0.2 * Z
    ahead = unit(trunk.forward * [1, 1, 0])
    for i, sign in enumerate(SIDES):
        tap = 0.035 * np.abs(np.sin(2 * np.pi * take.t / take.beat(0.35, 0.5) + i * 1.5 + take.rng.random()))
        drift = 0.04 * np.sin(2 * np.pi * take.t / take.beat(1.0, 1.6))
        take.grasp(i, at - 0.05 * ahead + (sign * 0.1 + drift[:, None]) * trunk.left + (0.07 + tap[:, None]) * Z)
    take.hold("laptop", at, Z, -ahead)


def telephone(take: Take) -> None:
    """A telephone is held at the ear; the head nods and the other hand talks along."""
    # The hand on the room's open side, so that the telephone is rarely hidden by the head.
    hand = 1 if take.pose.yaw.mean() > -np.pi / 2 else 0
    side = float(SIDES[hand])
    nod = np.sin(2 * np.pi * take.t / take.beat(0.9, 1.4) + take.rng.random() * 6)
    take.pose.look[:, 1] += 0.06 * nod
    take.pose.look[:, 0] -= 0.15 * side
    trunk = take.trunk
    beside = cross(Z, trunk.face) * side
    ear = trunk.head + 1.15 * take.body.head * beside - 0.03 * Z + 0.03 * trunk.face
    take.grasp(hand, ear - 0.08 * Z + 0.05 * beside)
    take.pose.elbow[:, hand] = 0.7
    take.hold("telephone", ear, unit(Z - 0.35 * trunk.face), -beside)
    talk = again(take, take.beat(1.0, 1.8), 1.2)
    rest = take.pose.hands[:, 1 - hand]
    take.pose.hands[:, 1 - hand] = mix(rest, trunk.point(0.3, -side * 0.25, -0.2), talk * take.rng.uniform(0.2, 1.0))


def watch(take: Take) -> None:
    """Turned to the television, the arm points a remote at it."""
    hand = take.body.hand
    to = take.room.tv - take.pose.pelvis
    turn = (np.arctan2(to[:, 1], to[:, 0]) - take.pose.yaw + np.pi) % (2 * np.pi) - np.pi
    take.pose.yaw += 0.35 * turn
    take.pose.look[:, 0] += 0.6 * turn
    trunk = take.trunk
    aim = unit(take.room.tv - trunk.chest)
    press = again(take, take.beat(1.2, 2.0), 1.5)
    low = trunk.chest + 0.24 * trunk.forward + 0.14 * aim - 0.22 * trunk.up
    at = mix(low, trunk.chest + 0.45 * aim + 0.05 * Z, 0.35 + 0.65 * press)
    take.grasp(hand, at)
    take.hold("remote", at + 0.05 * aim, aim, Z)


def stir(take: Take) -> None:
    """A ladle goes round in the pot."""
    hand = take.body.hand
    angle = 2 * np.pi * (take.t / take.beat(0.9, 1.3) + take.rng.random()) * (1 if take.rng.random() < 0.5 else -1)
    pot = take.room.counter["pot"]
    tip = pot + 0.09 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1) + point(0, 0, 0.06)
    take.pose.look[:, 1] += 0.4
    trunk = take.trunk
    grip = (
        pot + 0.05 * np.stack([np.cos(angle), np.sin(angle), 0 * angle], -1) + point(0, 0, 0.33) + 0.08 * -trunk.forward
    )
    take.grasp(hand, grip)
    axis = unit(grip - tip)
    take.hold("ladle", tip + 0.33 * axis, axis, trunk.forward)
    take.grasp(1 - hand, pot - SIDES[hand] * 0.22 * trunk.left + 0.08 * Z)


def cut(take: Take) -> None:
    """A knife goes up and down on the board, or to and fro through a loaf, held by the other hand."""
    hand, bread = take.body.hand, take.object == "bread"
    side = float(SIDES[hand])
    beat = np.sin(2 * np.pi * (take.t / take.beat(0.45, 0.65) + take.rng.random()))
    take.pose.look[:, 1] += 0.4
    trunk = take.trunk
    target = np.broadcast_to(take.room.counter["free" if bread else "board"] + 0.1 * Z, trunk.chest.shape)
    if bread:
        take.hold("bread", target, Z, trunk.forward)
    saw, chop = (0.1 * beat, 0.09) if bread else (0.0 * beat, 0.09 * (1 + beat))
    axis = unit(0.5 * trunk.forward - 0.15 * Z - 0.85 * side * trunk.left)  # across, so that it is seen from the front
    heel = target + saw[:, None] * axis + np.reshape(chop, (-1, 1)) * Z - 0.16 * axis
    take.grasp(hand, heel + 0.02 * Z)
    take.hold("knife", heel, axis, -Z)
    take.grasp(1 - hand, target - side * 0.17 * trunk.left - 0.02 * Z - 0.04 * trunk.forward)


def walk(take: Take) -> None:
    """Rounds on the free floor."""
    take.place, take.posture = "across the room", "walking"
    speed = take.rng.uniform(0.85, 1.1) * take.body.tempo
    way = 1 if take.rng.random() < 0.5 else -1
    around = way * speed * take.t / 0.6 + take.rng.uniform(0, 2 * np.pi)
    middle = take.room.floor + point(-0.1, -0.05, 0)
    at = middle + np.stack([0.85 * np.cos(around), 0.32 * np.sin(around), 0 * around], -1)
    velocity = np.gradient(at, take.t, axis=0)
    yaw = np.unwrap(np.arctan2(velocity[:, 1], velocity[:, 0]))
    distance = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(at, axis=0), axis=1))])
    stride(take, at, yaw, distance, unit(velocity), 0.36 * take.body.height)


def pass_door(take: Take) -> None:
    """From behind the doorway into the room, stepping sideways, so that no still frame tells the direction."""
    take.place, take.posture = "through the doorway", "walking"
    room, n = take.room, len(take.t)
    length = float(take.t[-1])
    spare = max(0.0, length - take.beat(1.7, 2.3))
    start = take.rng.uniform(0, 1) * spare
    share = smooth(np.clip((take.t - start) / max(length - spare, 0.5), 0, 1))
    outside = room.door + point(0.75, 0.55, 0)
    inside = room.floor + point(take.rng.uniform(-0.2, 0.4), take.rng.uniform(-0.2, 0.1), 0)
    sill, line = room.door + point(0, 0.1, 0), np.array([0.0, -0.5, 0])
    bends = np.stack([outside, sill, room.door + line, inside])
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(bends, axis=0), axis=1))])
    distance = share * lengths[-1]
    at = np.stack([np.interp(distance, lengths, bends[:, i]) for i in range(3)], -1)
    yaw = -np.pi / 2 - take.rng.uniform(0.2, 1.3)
    ahead = unit(np.broadcast_to(bends[3] - bends[1], (n, 3)))
    stride(take, at, np.full(n, yaw), distance, ahead, 0.26 * take.body.height)


def stride(
    take: Performer,
    at: Array,
    yaw: Array,
    distance: Array,
    along: Array,
    length: float,
    effort: float | Array = 1.0,
) -> None:
    """Set pelvis, feet and swinging arms of a gait that has come `distance` (T,) metres on, `along` (T, 3).

    `length` is a step's, metres; `effort` (T,) how much of the swing there is: 0 where the body stands.
    """
    hip = take.body.hip
    stand_still(take, at[0] + hip * Z, float(yaw[0]), feet_at(at[0], float(yaw[0]), 0.0))
    pose = take.pose
    phase = np.pi * distance / length + take.rng.uniform(0, np.pi)
    pose.yaw = yaw
    pose.pelvis = at + (hip - 0.02 + 0.015 * np.cos(2 * phase))[:, None] * Z
    _, left, _ = axes(yaw, np.zeros_like(yaw))
    trunk = take.trunk
    for i, sign in enumerate(SIDES):
        swing, lift = effort * sign * np.sin(phase), effort * np.maximum(0, sign * np.cos(phase))
        pose.feet[:, i] = at + sign * 0.08 * left + (swing * length / 2)[:, None] * along
        pose.feet[:, i, 2] = 0.07 + 0.10 * lift
        arm = trunk.point(0.05, sign * 0.21, -0.30 * take.body.height)
        pose.hands[:, i] = arm - (swing * 0.16)[:, None] * along + (0.05 * np.abs(swing))[:, None] * Z


def sit_down(take: Take) -> None:
    """From standing before the sofa to sitting on it."""
    settle(take, "sofa")
    take.place, take.posture = "on the sofa", "moving"
    share = _once(take, 1.2, 1.7)
    _rise(take, share)


def _once(take: Take, low: float, high: float) -> Array:
    """Return a course (T,) from 0 to 1 that begins anywhere in the clip and has time to end."""
    length = float(take.t[-1])
    takes = min(take.beat(low, high), 0.85 * length)
    start = take.rng.uniform(0.05, 0.95) * (length - takes)
    return smooth((take.t - start) / takes)


def _rise(take: Take, share: Array) -> None:
    """Blend the pose on the sofa (share 1) with standing before it (share 0)."""
    pose, body = take.pose, take.body
    trunk = take.trunk
    ahead = trunk.forward[0] * [1, 1, 0]
    standing = pose.pelvis.copy()
    feet = pose.feet.mean(1)
    standing[:, :2] = feet[:, :2] - 0.02 * ahead[:2]
    standing[:, 2] = body.hip
    resting = pose.hands.copy()
    # The pelvis goes back before it goes down, the trunk leans forward on the way.
    level, back = share**1.15, share**0.9
    pose.pelvis = np.stack(
        [
            mix(standing, pose.pelvis, back)[:, 0],
            mix(standing, pose.pelvis, back)[:, 1],
            mix(standing, pose.pelvis, level)[:, 2],
        ],
        -1,
    )
    pose.lean = pose.lean * share + 0.65 * np.sin(np.pi * share)
    trunk = take.trunk
    for i, sign in enumerate(SIDES):
        hang = trunk.point(0.08 + 0.2 * np.sin(np.pi * share), sign * 0.21, -0.30 * body.height)
        pose.hands[:, i] = mix(hang, resting[:, i], smooth(1.5 * share - 0.5))


def lie_down(take: Take) -> None:
    """From sitting on the sofa to lying along it."""
    settle(take, "sofa")
    take.place, take.posture = "on the sofa", "lying"
    pose, body, side = take.pose, take.body, 1 if take.rng.random() < 0.5 else -1
    share = _once(take, 1.3, 1.9)
    turn, back = smooth(share * 1.8), smooth(share * 1.6 - 0.6)
    middle = take.room.seat + point(0.12 * side, 0.32, 0.09)
    yaw = 0.0 if side < 0 else -np.pi  # towards the feet's end
    pose.yaw = pose.yaw + (yaw - pose.yaw) * turn
    pose.pelvis = mix(pose.pelvis, np.broadcast_to(middle, pose.pelvis.shape), turn)
    pose.tilt = -1.45 * back
    pose.lean = pose.lean * (1 - share)
    along = np.array([-side, 0.0, 0.0])
    trunk = take.trunk
    for i, sign in enumerate(SIDES):
        lie = middle + along * 0.44 * body.height + point(0, 0.09 * sign * side, 0.02)
        pose.feet[:, i] = mix(pose.feet[:, i], np.broadcast_to(lie, pose.feet[:, i].shape), turn)
        pose.feet[:, i, 2] += 0.25 * np.sin(np.pi * turn)
        pose.hands[:, i] = mix(pose.hands[:, i], trunk.point(0.14, sign * 0.08, -0.2 * body.height), share)
