"""What is done in the kitchen: for each verb the motion of two hands and of what they handle.

A `reverse` verb is its partner's motion played backwards, exactly: nothing but the order of frames tells the two apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stages.simulate.camera import Array, point, unit
from stages.simulate.draw import Colour
from stages.simulate.resuscitate import Hand
from stages.simulate.scenes.kitchen import Cook, Kitchen
from stages.simulate.take import mix, smooth
from stages.simulate.utensils import COLOURS, DOOR, GLASS, LIES, THINGS

X, Y, Z = np.eye(3)


class Handled(NamedTuple):
    """A thing over T frames, as `utensil` draws it."""

    name: str
    at: Array  # (T, 3)
    up: Array  # (T, 3)
    front: Array  # (T, 3)
    colour: Colour
    shown: NDArray[np.bool_]  # (T,)


@dataclass
class Deed:
    """A performance under way: who does what to which noun, when (`t`, seconds, (T,)), with what."""

    cook: Cook
    kitchen: Kitchen
    noun: str
    colour: Colour
    t: Array
    rng: Generator
    hands: list[Hand] = field(default_factory=list)
    """Left and right."""
    things: list[Handled] = field(default_factory=list)
    """The noun's first."""

    def __post_init__(self) -> None:
        count, rng = len(self.t), self.rng
        for side in (-1.0, 1.0):
            elbow = point(0.27 * side, -0.50, 0.05) + rng.uniform(-0.03, 0.03, 3)
            rest = point(0.15 * side, -0.25, 0.05) + rng.uniform(-0.04, 0.04, 3) * [1, 1, 0.3]
            self.hands.append(Hand(elbow, np.tile(rest, (count, 1)), np.full(count, 0.25), np.ones(count, bool)))

    @property
    def side(self) -> float:
        """Of the working hand: 1 is the right."""
        return self.cook.side

    @property
    def length(self) -> float:
        """Seconds of the clip."""
        return float(self.t[-1]) if len(self.t) > 1 else 1.0

    def hand(self, working: bool = True) -> Hand:
        """Return the preferred hand, or the other."""
        return self.hands[(self.side > 0) == working]

    def moments(self, *spans: tuple[float, float]) -> list[float]:
        """Return moments in seconds one after the other, each a share of the clip later than the one before."""
        shares = np.cumsum([self.rng.uniform(*span) for span in spans])
        return [float(share) * self.length for share in shares]

    def course(self, start: float, end: float) -> Array:
        """Return an ease (T,) from 0 at `start` to 1 at `end`, seconds."""
        return smooth((self.t - start) / max(end - start, 1e-6))

    def wave(self, low: float, high: float) -> Array:
        """Return an angle (T,) that grows by as many turns a second as are drawn between the two."""
        speed = self.rng.uniform(low, high) * self.cook.arms.tempo
        return np.asarray(2 * np.pi * (self.t * speed + self.rng.random()))

    def still(self, at: Array) -> Array:
        """Return a place or direction (3,) at all times (T, 3)."""
        return np.asarray(np.broadcast_to(at, (len(self.t), 3)))

    def use(
        self,
        name: str,
        at: Array,
        up: Array = Z,
        front: Array = -Y,
        colour: Colour = (0, 0, 0),
        shown: NDArray[np.bool_] | None = None,
    ) -> None:
        """Put a thing into the picture; `at`, `up` and `front` (T, 3) or (3,)."""
        there = np.ones(len(self.t), bool) if shown is None else shown
        self.things.append(Handled(name, self.still(at), self.still(up), self.still(front), colour, there))

    def carry(self, at: Array, up: Array | None = None, front: Array = -Y, lid: bool = True) -> None:
        """Put the noun's thing into the picture, with the lid that a jar or bottle has."""
        up = self.axis if up is None else up
        self.use(self.noun, at, up, front, self.colour)
        if lid and self.noun in ("bottle", "jar"):
            self.use(f"{self.noun} lid", at + THINGS[self.noun].top * up, up, front, self.colour)

    @property
    def axis(self) -> Array:
        """Where the upper end of the noun's thing points at rest (3,): a tip away from the cook, a handle to it."""
        if self.noun not in LIES:
            return np.asarray(Z)
        return unit(point(-0.45 * self.side, 0.9, 0.0)) * (-1.0 if self.noun == "spoon" else 1.0)

    def spot(self, x: float = 0.0, wide: float = 0.10, near: float = -0.02, far: float = 0.12) -> Array:
        """Return a place on the counter, rather not over the sink, for the middle of the noun's thing.

        `x` is towards the working hand.
        """
        across = self.side * x - 0.06 * self.kitchen.side + self.rng.uniform(-wide, wide)
        return point(across, self.rng.uniform(near, far), THINGS[self.noun].rise)

    def reach(self, to: Array, share: Array, working: bool = True, curl: float = 0.7) -> None:
        """Bring a hand's palm to a place (T, 3) as far as `share` (T,) says."""
        hand = self.hand(working)
        hand.palm = mix(hand.palm, self.still(to), share)
        hand.curl = hand.curl + (curl - hand.curl) * share

    def grip(self, at: Array, up: Array | None = None, working: bool = True) -> Array:
        """Return where a palm holds the noun's thing (T, 3), from its middle."""
        along, aside, near, high = THINGS[self.noun].grip
        side = self.side if working else -self.side
        return np.asarray(at + along * (self.axis if up is None else up) + aside * side * X - near * Y + high * Z)


def _take(deed: Deed) -> None:
    """Reach for a thing on the counter and bring it near."""
    start, grasp, end = deed.moments((0.04, 0.10), (0.26, 0.36), (0.30, 0.40))
    there, near = deed.spot(wide=0.17), point(0.09 * deed.side, -0.17, 0.15) + deed.rng.uniform(-0.02, 0.02, 3)
    carried = deed.course(grasp, end)
    at = mix(deed.still(there), deed.still(near), carried) + (0.05 * np.sin(np.pi * carried))[:, None] * Z
    deed.carry(at)
    deed.reach(deed.grip(at), deed.course(start, grasp))


def _open(deed: Deed) -> None:
    {"cupboard": _open_cupboard, "drawer": _open_drawer}.get(deed.noun, _open_lid)(deed)


def _open_cupboard(deed: Deed) -> None:
    start, grasp, end = deed.moments((0.04, 0.10), (0.26, 0.36), (0.30, 0.40))
    angle = (deed.rng.uniform(1.5, 1.9) * deed.course(grasp, end))[:, None]
    across = np.cos(angle) * X - np.sin(angle) * Y
    front = -np.sin(angle) * X - np.cos(angle) * Y
    hinge, shade = deed.kitchen.hinge, deed.kitchen.door
    deed.use("cupboard", hinge, Z, front, shade)
    deed.use("cupboard inside", hinge + 0.002 * Y, Z, -Y, shade)
    handle = hinge + 0.88 * DOOR[0] * across + 0.42 * DOOR[1] * Z
    deed.reach(handle + 0.05 * front, deed.course(start, grasp))


def _open_drawer(deed: Deed) -> None:
    start, grasp, end = deed.moments((0.04, 0.10), (0.26, 0.36), (0.30, 0.40))
    at = deed.kitchen.drawer - (deed.rng.uniform(0.11, 0.15) * deed.course(grasp, end))[:, None] * Y
    deed.use("drawer", at, Z, -Y, deed.kitchen.door)
    deed.use("drawer inside", deed.kitchen.drawer + 0.002 * Y, Z, -Y, deed.kitchen.door)
    deed.reach(at - 0.05 * Y + 0.015 * Z, deed.course(start, grasp))


def _open_lid(deed: Deed) -> None:
    """Lift the lid off a thing and lay it aside."""
    start, grasp, lifted, end = deed.moments((0.04, 0.10), (0.22, 0.30), (0.15, 0.20), (0.20, 0.26))
    at = deed.spot(wide=0.08)
    high = deed.rng.uniform(0.09, 0.12) * Z
    beside = at * [1, 1, 0] + point(0.19 * deed.side, -0.02, 0.005)
    mouth = at + THINGS[deed.noun].top * Z
    lid = mouth + deed.course(grasp, lifted)[:, None] * high
    lid = mix(lid, deed.still(beside), deed.course(lifted, end))
    deed.carry(at, lid=False)
    deed.use(f"{deed.noun} lid", lid, colour=deed.colour)
    to_hand = deed.course(start, grasp)
    deed.reach(lid + point(0.02 * deed.side, -0.035, 0.05), to_hand)
    deed.reach(deed.grip(at, working=False), to_hand, working=False, curl=0.6)


def _bring(deed: Deed, to: Array, up: Array, front: Array = -Y) -> tuple[float, Array]:
    """Bring the noun's thing with the other hand to a place; return when it is there, and where it is (T, 3)."""
    start, there = deed.moments((0.0, 0.06), (0.16, 0.24))
    away = point(0.6 * to[0] - 0.05 * deed.side, -0.16, 0.11)
    sway = 0.006 * np.sin(deed.wave(0.4, 0.8))[:, None]
    at = mix(deed.still(away), deed.still(to), deed.course(start, there)) + sway * X
    deed.carry(at, up, front)
    deed.reach(deed.grip(at, up, working=False), np.ones(len(deed.t)), working=False)
    return there, at


def _facing(deed: Deed) -> Array:
    """Return where the upper end of a thing points that the cook holds up (3,): a plate shows its face."""
    if deed.noun == "plate":
        return unit(point(0.25 * deed.side, -0.6, 0.75))
    return deed.axis if deed.noun in LIES else unit(point(0.35 * deed.side, -0.15, 0.9))


def _wash(deed: Deed) -> None:
    """Rub a thing with a sponge, in circles, under running water."""
    tap, up = deed.kitchen.tap, _facing(deed)
    there, at = _bring(deed, tap + point(0, -0.03, -0.12), up)
    on = deed.t >= there
    length = tap[2] - at[:, 2] - 0.02
    deed.use("stream", deed.still(tap), length[:, None] * Z, -Y, (150, 205, 245), on)
    round_ = deed.wave(1.3, 1.9) * deed.rng.choice([-1.0, 1.0])
    circle = 0.038 * np.cos(round_)[:, None] * X + 0.028 * np.sin(round_)[:, None] * (0.8 * Y + 0.5 * Z)
    sponge = at + circle + 0.045 * unit(point(0.3 * deed.side, -0.6, 0.75))
    near = deed.course(0.5 * there, there)
    deed.reach(sponge + point(0.03 * deed.side, -0.03, 0.035), near)
    deed.use("sponge", deed.hand().palm - point(0.03 * deed.side, -0.03, 0.035), colour=(240, 215, 60))


def _dry(deed: Deed) -> None:
    """Rub a thing with a cloth, to and fro."""
    up = _facing(deed)
    there, at = _bring(deed, point(-0.05 * deed.side, -0.03, 0.14) + deed.rng.uniform(-0.04, 0.04, 3), up)
    rub = 0.055 * np.sin(deed.wave(1.2, 1.8))[:, None] * unit(point(0.9, 0.2, 0.35 * deed.side))
    cloth = at + rub + 0.05 * unit(point(0.3 * deed.side, -0.6, 0.75))
    deed.reach(cloth + point(0.02 * deed.side, -0.02, 0.03), deed.course(0.5 * there, there), curl=0.4)
    tint = COLOURS[("white", "red", "blue")[int(deed.rng.integers(3))]]
    held = deed.hand().palm - point(0.02 * deed.side, -0.02, 0.02)
    deed.use("cloth", held, unit(point(0, -0.5, 0.85)), unit(point(0, -0.85, -0.5)), tint)


def _cut(deed: Deed) -> None:
    """Move a knife up and down, a little further with each stroke."""
    start, there = deed.moments((0.0, 0.06), (0.14, 0.22))
    board = point(deed.rng.uniform(-0.08, 0.08), deed.rng.uniform(0.0, 0.08), 0.009)
    at = board + (0.009 + THINGS[deed.noun].rise) * Z
    deed.carry(at, deed.side * X if deed.noun in LIES else Z)
    deed.use("board", board, colour=(205, 165, 110))
    stroke = 0.5 + 0.5 * np.sin(deed.wave(1.5, 2.2))
    further = deed.course(there, deed.length)
    up = unit(point(-0.15 * deed.side, 0.9, -0.15))
    high = 0.03 + 0.065 * stroke
    blade = at + (deed.side * (0.085 - 0.07 * further))[:, None] * X + high[:, None] * Z - 0.10 * Y
    share = deed.course(start, there)
    deed.reach(blade - 0.05 * up + 0.015 * Z, share)
    deed.use("knife", deed.hand().palm + 0.05 * up - 0.015 * Z, up, -Z, COLOURS["black"])
    deed.reach(at + point(-0.10 * deed.side, -0.03, 0.045), share, working=False, curl=0.8)


def _stir(deed: Deed) -> None:
    """Lead a spoon through a vessel, in circles."""
    start, there = deed.moments((0.0, 0.06), (0.14, 0.22))
    at = deed.spot(wide=0.12, far=0.08)
    deed.carry(at)
    wide = {"pot": 0.055, "bowl": 0.05}.get(deed.noun, 0.028)
    turn = deed.wave(0.8, 1.25) * deed.rng.choice([-1.0, 1.0])
    low = at + wide * (np.cos(turn)[:, None] * X + np.sin(turn)[:, None] * Y) + 0.01 * Z
    up = unit(point(0.3 * deed.side, -0.35, 0.9))
    share = deed.course(start, there)
    deed.reach(low + 0.20 * up, share)
    deed.use("spoon", deed.hand().palm - 0.06 * up, up, -Y, COLOURS["brown"])
    deed.reach(deed.grip(at, working=False), share, working=False, curl=0.6)


def _pour(deed: Deed) -> None:
    """Lift a thing, tilt it over a glass until it flows, and back."""
    start, grasp, lifted, tilted, back = deed.moments(
        (0.0, 0.05), (0.14, 0.20), (0.15, 0.20), (0.12, 0.16), (0.22, 0.30)
    )
    deed_top, s = THINGS[deed.noun].top, deed.side
    first = deed.spot(0.16, wide=0.03)
    glass = point(-0.07 * s, first[1], GLASS) + deed.rng.uniform(-0.02, 0.02, 3) * [1, 1, 0]
    deepest = deed.rng.uniform(1.75, 2.05)
    level = deed.course(lifted, tilted) - deed.course(back, back + tilted - lifted)
    angle = (deepest * level)[:, None]
    up = np.cos(angle) * Z - s * np.sin(angle) * X
    last = np.cos(deepest) * Z - s * np.sin(deepest) * X
    over = glass + (GLASS + 0.07) * Z - deed_top * last
    at = mix(deed.still(first), deed.still(over), deed.course(grasp, lifted))
    deed.carry(at, up, lid=False)
    deed.use("glass", glass)
    mouth = at + deed_top * up
    flows = level > 0.75
    deed.use("stream", mouth, (mouth[:, 2] - 0.02)[:, None] * Z, -Y, (120, 175, 240), flows)
    deed.reach(deed.grip(at), deed.course(start, grasp))
    deed.reach(glass + point(-0.06 * s, -0.03, 0.0), deed.course(start, lifted), working=False, curl=0.6)


def _shake(deed: Deed) -> None:
    """Lift a thing and move it up and down, fast."""
    start, grasp, lifted = deed.moments((0.0, 0.05), (0.14, 0.20), (0.14, 0.20))
    high = point(0.03 * deed.side, -0.04, 0.19) + deed.rng.uniform(-0.03, 0.03, 3)
    shaken = deed.course(grasp, lifted)
    beat = 0.045 * np.sin(deed.wave(2.6, 3.4)) * deed.course(lifted, lifted + 0.2)
    at = mix(deed.still(deed.spot(0.05)), deed.still(high), shaken) + beat[:, None] * (Z + 0.3 * deed.side * X)
    deed.carry(at)
    deed.reach(deed.grip(at), deed.course(start, grasp))


class Verb(NamedTuple):
    """A verb class. `nouns` are those that it is done to."""

    motion: Callable[[Deed], None]
    nouns: tuple[str, ...]
    reverse: bool = False


_OPENED = ("bottle", "cupboard", "drawer", "jar", "pot")
VERBS: dict[str, Verb] = {
    "take": Verb(_take, tuple(THINGS)),
    "put": Verb(_take, tuple(THINGS), reverse=True),
    "open": Verb(_open, _OPENED),
    "close": Verb(_open, _OPENED, reverse=True),
    "wash": Verb(_wash, ("bowl", "carrot", "cup", "knife", "plate", "pot", "spoon")),
    "cut": Verb(_cut, ("bread", "carrot")),
    "stir": Verb(_stir, ("bowl", "cup", "pot")),
    "pour": Verb(_pour, ("bottle", "cup", "jar")),
    "shake": Verb(_shake, ("bottle", "jar")),
    "dry": Verb(_dry, ("cup", "knife", "plate")),
}
#: Nouns, carried or part of the kitchen.
NOUNS = (*THINGS, "cupboard", "drawer")


def perform(
    verb: str, noun: str, colour: Colour, cook: Cook, kitchen: Kitchen, times: Array, rng: Generator
) -> tuple[list[Hand], list[Handled]]:
    """Return both hands and what is handled at `times` (T,), seconds from the clip's start."""
    deed = Deed(cook, kitchen, noun, colour, times, rng)
    VERBS[verb].motion(deed)
    if not VERBS[verb].reverse:
        return deed.hands, deed.things
    hands = [Hand(one.elbow, one.palm[::-1], one.curl[::-1], one.shown[::-1]) for one in deed.hands]
    return hands, [
        Handled(name, at[::-1], up[::-1], front[::-1], tint, shown[::-1])
        for name, at, up, front, tint, shown in deed.things
    ]
