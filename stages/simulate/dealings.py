"""How two people act on each other or together: each sets both bodies of a duo over the clip's time.

The one who acts is `duo.actor`. People are drawn small, so motions are wider than in life.
"""

from __future__ import annotations

import numpy as np

from stages.simulate.body import SIDES, Prop
from stages.simulate.camera import Array, unit
from stages.simulate.duo import RIGHT, Duo, hold_up, reach, walk
from stages.simulate.take import Z, mix, smooth


def _come(duo: Duo, near: float, until: float) -> Array:
    """Return half of the distance (T,) between two who come as near as that, metres, by a time."""
    far = near + duo.rng.uniform(0.25, 0.6)
    start = duo.rng.uniform(0.0, 0.3) * until
    return np.asarray((far - (far - near) * duo.rise(start, until - start)) / 2)


def _between(duo: Duo, height: float | Array) -> Array:
    """Return the point (T, 3) between both, metres above the floor."""
    at = (duo.both[0].pose.pelvis + duo.both[1].pose.pelvis) / 2
    at[:, 2] = height
    return at


def shake_hands(duo: Duo) -> None:
    """Both give the right hand and move it up and down."""
    meets = duo.moment(0.3, 0.4)
    duo.apart(_come(duo, 0.82, meets))
    there = duo.rise(meets - 0.25, 0.45)
    shaken = 0.075 * np.sin(2 * np.pi * (duo.t - meets) / duo.rng.uniform(0.42, 0.58)) * duo.rise(meets, 0.4)
    clasp = _between(duo, 1.02 + shaken)
    for one in duo.both:
        one.pose.lean += 0.10 * there
        reach(one, RIGHT, clasp - 0.05 * unit(clasp - one.trunk.chest), there)


def high_five(duo: Duo) -> None:
    """Both swing a hand up and clap it against the other's above their heads, once or twice."""
    meets = duo.moment(0.3, 0.4)
    duo.apart(_come(duo, 0.80, meets))
    up = duo.rise(meets - 0.4, 0.35)
    clap = duo.pulse(meets + 0.15, 0.28) + duo.pulse(meets + 0.15 + duo.rng.uniform(0.6, 0.75), 0.28)
    top = 1.08 * min(one.body.height for one in duo.both)
    palm = _between(duo, top)
    for one in duo.both:
        hold_up(one, RIGHT, 0.02, 0.18, 0.42, up)
        reach(one, RIGHT, palm - 0.04 * unit(palm - one.trunk.chest), clap)
        one.pose.look[:, 1] -= 0.25 * up


def hug(duo: Duo) -> None:
    """Both come close and put their arms around each other."""
    meets = duo.moment(0.4, 0.5)
    duo.apart(_come(duo, 0.34, meets))
    open_arms, closed = duo.rise(meets - 0.6, 0.4), duo.rise(meets - 0.2, 0.35)
    for one in duo.both:
        one.pose.lean += 0.10 * closed
    backs = [one.trunk.chest - 0.15 * one.trunk.forward for one in duo.both]
    for index, one in enumerate(duo.both):
        for hand, side in enumerate(SIDES):
            hold_up(one, hand, 0.40, 0.30, 0.0, open_arms)
            high = 0.06 if hand == index else -0.14
            reach(one, hand, backs[1 - index] + 0.10 * side * one.trunk.left + high * Z, closed)
        one.pose.look[:, 0] += 0.35 * closed


def push(duo: Duo) -> None:
    """The acting one shoves with both hands against the chest; the other is thrown back."""
    hit = duo.moment(0.42, 0.55)
    thrown = duo.rise(hit, 0.4)
    duo.apart(_come(duo, 0.66, hit - 0.1), 0.40 * thrown)
    shove, falls = duo.pulse(hit + 0.1, 0.38), duo.pulse(hit + 0.3, 0.5)
    a, o = duo.actor, duo.other
    a.pose.lean += 0.30 * shove
    o.pose.lean -= 0.50 * falls
    guard = duo.rise(hit - 0.5, 0.3) * (1 - duo.rise(hit + 0.5, 0.4))
    chest = o.trunk.chest - 0.04 * Z
    for hand, side in enumerate(SIDES):
        hold_up(a, hand, 0.20, 0.14, -0.08, guard)
        reach(a, hand, chest + 0.12 * o.trunk.forward + 0.12 * side * a.trunk.left, shove)
        hold_up(o, hand, 0.42, 0.28, 0.02, falls)


def kick(duo: Duo) -> None:
    """The acting one lifts a leg against the other's belly, who bends over and steps back."""
    hit = duo.moment(0.42, 0.55)
    duo.apart(_come(duo, 0.95, hit - 0.15), 0.22 * duo.rise(hit + 0.05, 0.4))
    swing, bent = duo.pulse(hit, 0.4), duo.pulse(hit + 0.35, 0.5)
    a, o = duo.actor, duo.other
    a.pose.lean -= 0.40 * swing
    o.pose.lean += 0.55 * bent
    foot, ahead = a.body.hand, duo.ahead(duo.who)
    goal = o.pose.pelvis - 0.16 * ahead + 0.04 * Z
    path = mix(a.pose.feet[:, foot], goal, swing)
    path[:, 2] += 0.12 * np.sin(np.pi * swing)
    a.pose.feet[:, foot] = path
    for hand in (0, 1):
        hold_up(a, hand, 0.02, 0.42, -0.05, swing)
        reach(o, hand, o.trunk.pelvis + 0.16 * o.trunk.forward + 0.12 * Z, bent)


def punch(duo: Duo) -> None:
    """The acting one, fists up, strikes at the other's face, whose head flies back."""
    hit = duo.moment(0.38, 0.48)
    duo.apart(_come(duo, 0.74, hit - 0.15), 0.15 * duo.rise(hit + 0.05, 0.3))
    again = duo.rng.uniform(0.55, 0.7)
    strikes = duo.pulse(hit, 0.28) + duo.pulse(hit + again, 0.28)
    flies = duo.pulse(hit + 0.15, 0.3) + duo.pulse(hit + again + 0.15, 0.3)
    a, o = duo.actor, duo.other
    a.pose.lean += 0.16 * strikes
    a.pose.yaw = a.pose.yaw - 0.3 * float(SIDES[a.body.hand]) * strikes
    face = o.trunk.mouth + 0.05 * Z
    o.pose.lean -= 0.30 * flies
    o.pose.look[:, 1] -= 0.60 * flies
    fists = duo.rise(hit - 0.7, 0.3)
    for hand in (0, 1):
        hold_up(a, hand, 0.30, 0.10, 0.08, fists)
        hold_up(o, hand, 0.30, 0.25, 0.05, flies)
    reach(a, a.body.hand, face - 0.04 * duo.ahead(duo.who), strikes)


def pat_on_the_back(duo: Duo) -> None:
    """The acting one stands behind and pats the other, who looks away, on the back."""
    meets = duo.moment(0.2, 0.3)
    duo.apart(_come(duo, 0.56, meets), turns=(0.0, np.pi + duo.rng.uniform(-0.35, 0.35)))
    there = duo.rise(meets - 0.2, 0.35)
    taps = duo.beats(duo.rng.uniform(0.42, 0.55))
    a, o = duo.actor, duo.other
    hand = a.body.hand
    a.pose.lean += 0.10 * there
    o.pose.look[:, 1] += 0.12 * there
    back = o.trunk.chest - 0.14 * o.trunk.forward - 0.02 * Z
    lifted = back - 0.22 * duo.ahead(duo.who) + 0.05 * Z
    reach(a, hand, mix(lifted, back, taps), there)


def point_at(duo: Duo) -> None:
    """The acting one stretches an arm towards the other's face from a distance, and jabs the finger."""
    starts = duo.moment(0.12, 0.3)
    duo.apart(_come(duo, 1.35, duo.moment(0.3, 0.4)))
    there, jabs = duo.rise(starts, 0.4), duo.beats(duo.rng.uniform(0.45, 0.7))
    a, o = duo.actor, duo.other
    aim = unit(o.trunk.head - a.trunk.chest)
    a.pose.lean += 0.08 * there
    shoulder = a.trunk.chest + 0.05 * Z
    reach(a, a.body.hand, shoulder + (0.46 + 0.12 * jabs)[:, None] * aim, there)
    o.pose.lean -= 0.12 * there


def hand_over(duo: Duo) -> None:
    """The acting one holds a thing and brings it between both, where the other takes it with both hands.

    Who has it looks at the other; who does not have it looks into the room.
    """
    assert duo.object is not None
    given = duo.moment(0.42, 0.58)
    out, back = duo.rise(given - 0.6, 0.6), duo.rise(given, 0.6)
    duo.apart(np.full(len(duo.t), duo.rng.uniform(1.12, 1.24) / 2), turns=(-1.1 * back, -1.1 * (1 - out)))
    a, o = duo.actor, duo.other
    for one in (a, o):
        one.pose.lean += 0.22 * out * (1 - back)
    between = _between(duo, 1.12)
    has = duo.t < given
    ahead = duo.ahead(duo.who)
    at = mix(mix(a.trunk.point(0.24, 0.0, -0.16), between, out), o.trunk.point(0.24, 0.0, -0.16), back)
    for hand, side in enumerate(SIDES):
        reach(a, hand, at - 0.05 * ahead + 0.07 * side * a.trunk.left, 1 - back)
        reach(o, hand, at + 0.05 * ahead + 0.07 * side * o.trunk.left, out)
    for one, holds in ((a, has), (o, ~has)):
        up, front = np.broadcast_to(Z, at.shape), np.broadcast_to(duo.away, at.shape)
        one.pose.props.append(Prop(duo.object, at, up, -front, holds))


def walk_together(duo: Duo) -> None:
    """Both walk side by side in one direction."""
    way = duo.across * (1 if duo.rng.random() < 0.5 else -1)
    speed = duo.rng.uniform(0.7, 0.95)
    along = speed * (duo.t - duo.length / 2)
    near = 1 if duo.rng.random() < 0.5 else -1
    for index, one in enumerate(duo.both):
        side = (index - 0.5) * duo.rng.uniform(0.44, 0.52)
        depth = near * (index - 0.5) * 0.36
        at = duo.middle + along[:, None] * way + side * duo.across + depth * duo.away
        walk(one, at, np.full(len(duo.t), np.arctan2(way[1], way[0])))
        beside = float(np.sign(way[1] * duo.away[0] - way[0] * duo.away[1]) * np.sign(depth))
        one.pose.look[:, 0] += 0.5 * beside * duo.pulse(duo.moment(0.2, 0.8), 0.8)


def walk_up(duo: Duo) -> None:
    """Both walk up to each other until they stand face to face."""
    far, near = duo.rng.uniform(2.3, 2.6), duo.rng.uniform(0.85, 1.0)
    length = min(1.5, 0.75 * duo.length)
    start = duo.rng.uniform(0.1, 0.9) * (duo.length - length)
    duo.apart(np.asarray((far - (far - near) * duo.rise(start, length)) / 2))


def bow(duo: Duo) -> None:
    """Both bend forward towards each other, arms at their sides."""
    duo.apart(_come(duo, 1.75, duo.moment(0.25, 0.35)))
    down = duo.moment(0.45, 0.6)
    for one in duo.both:
        bent = smooth(1.5 * duo.pulse(down + duo.rng.uniform(-0.1, 0.1), 0.8))
        one.pose.lean += 0.95 * bent
        one.pose.look[:, 1] += 0.2 * bent
        for hand, side in enumerate(SIDES):
            leg = one.pose.pelvis + 0.12 * one.trunk.forward * [1, 1, 0] + 0.19 * side * one.trunk.left - 0.22 * Z
            reach(one, hand, leg, bent)


def whisper(duo: Duo) -> None:
    """The acting one leans to the other's ear, a hand before the mouth; the other listens, looking at the camera."""
    meets = duo.moment(0.3, 0.4)
    duo.apart(_come(duo, 0.44, meets), turns=(0.0, -np.pi / 2 + duo.rng.uniform(-0.2, 0.3)))
    there = duo.rise(meets - 0.3, 0.5)
    a, o = duo.actor, duo.other
    o.pose.look[:, 0] += -0.2 * there
    a.pose.lean += (0.24 + 0.03 * np.sin(2 * np.pi * duo.t / 0.5)) * there
    hand = 1 if duo.who == 0 else 0  # the one on the camera's side
    mouth = a.trunk.mouth + 0.07 * a.trunk.face - 0.05 * Z - 0.05 * duo.away
    reach(a, hand, mouth, there)
    a.pose.elbow[:, hand] = 0.8


def lift(duo: Duo) -> None:
    """The acting one takes the other around the waist and lifts them off the floor."""
    meets = duo.moment(0.28, 0.36)
    duo.apart(_come(duo, 0.36, meets))
    holds, raised = duo.rise(meets - 0.25, 0.3), duo.rise(meets + 0.05, 0.45)
    a, o = duo.actor, duo.other
    stoop = holds * (1 - raised)
    a.pose.pelvis = a.pose.pelvis - (0.12 * stoop)[:, None] * Z
    a.pose.lean += 0.35 * stoop - 0.18 * raised
    up = (0.28 * raised)[:, None] * Z
    o.pose.pelvis = o.pose.pelvis + up
    kicks = 0.06 * np.sin(2 * np.pi * duo.t / 0.6) * raised
    for foot, side in enumerate(SIDES):
        back = 0.22 * raised + side * kicks
        o.pose.feet[:, foot] = o.pose.feet[:, foot] + up + back[:, None] * duo.ahead(duo.who)
    waist = o.pose.pelvis - 0.05 * Z
    for hand, side in enumerate(SIDES):
        reach(a, hand, waist + 0.12 * duo.ahead(duo.who) + 0.12 * side * a.trunk.left, holds)
        reach(o, hand, a.trunk.chest + 0.06 * Z + 0.16 * side * o.trunk.left, holds)


def taunt(duo: Duo) -> None:
    """The acting one, chin up, beckons the other with both arms; the other holds back with folded arms."""
    duo.apart(_come(duo, 1.25, duo.moment(0.2, 0.3)))
    starts = duo.moment(0.1, 0.25)
    there, calls = duo.rise(starts, 0.4), duo.beats(duo.rng.uniform(0.55, 0.75))
    a, o = duo.actor, duo.other
    a.pose.lean -= 0.14 * there
    a.pose.look[:, 1] -= 0.30 * there
    a.pose.pelvis = a.pose.pelvis - (0.05 * there * calls)[:, None] * Z
    folded = duo.rise(starts, 0.5)
    for hand in (0, 1):
        hold_up(a, hand, 0.42, 0.34, -0.02, there * (1 - calls))
        hold_up(a, hand, 0.10, 0.30, 0.26, there * calls)
        hold_up(o, hand, 0.20, -0.10, -0.12 - 0.05 * hand, folded)
