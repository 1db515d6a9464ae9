"""A script acted out: where newborn, tools and hands are in every frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stages.simulate.camera import Array, point, unit
from stages.simulate.newborn import LIES, Lying
from stages.simulate.scenes.table import Worker
from stages.simulate.script import CARRY, REACH, Deed, Script
from stages.simulate.take import mix, smooth
from stages.simulate.tools import BAG, GRIP, RISE

Z = np.array([0.0, 0.0, 1.0])
#: Where mask and suction lie when nobody uses them, and where a tool is tried out, metres.
MASK_PLACE, TIP_PLACE, TRIAL = point(-0.30, -0.23, 0.012), point(0.08, 0.245, 0.012), point(-0.08, 0.02, 0.10)


@dataclass
class Hand:
    """A hand over T frames, by its index: 0 and 1 are the first worker's left and right, 2 and 3 the helper's."""

    elbow: Array  # (3,), beyond the picture's edge
    palm: Array  # (T, 3)
    curl: Array  # (T,)
    shown: NDArray[np.bool_]  # (T,)


@dataclass
class Stage:
    """All that moves, over T frames."""

    t: Array
    lying: Lying
    there: NDArray[np.bool_]  # (T,), whether the newborn is drawn
    mask: Array  # (T, 3), the middle of its foot
    mask_front: Array  # (T, 3)
    bag: Array  # (T, 3), direction
    squeeze: Array  # (T,), 0 to 1
    tip: Array  # (T, 3), of the suction
    back: Array  # (T, 3), from the tip to the hand
    hands: list[Hand] = field(default_factory=list)


def act(script: Script, workers: list[Worker], times: Array, rng: Generator) -> Stage:
    """Return a script acted out at `times` (T,), seconds from the start, by one worker or two."""
    return _Acting(script, workers, times, rng).stage


class _Acting:
    def __init__(self, script: Script, workers: list[Worker], times: Array, rng: Generator) -> None:
        self.workers, self.rng, self.t = workers, rng, times
        count = len(times)
        still = np.zeros((count, 3))
        turn = rng.uniform(-0.16, 0.16)
        along = point(-np.cos(turn), np.sin(turn), 0)
        at = point(rng.uniform(-0.01, 0.05), rng.uniform(-0.03, 0.03), LIES) + still
        side = float(rng.choice([-1.0, 1.0]))  # where a helper stands
        lying = Lying(at, along, np.zeros(count))
        self.stage = Stage(
            times,
            lying,
            np.ones(count, bool),
            MASK_PLACE + still,
            Z + still,
            unit(point(0.95, 0.1, 0.12)) + still,
            np.zeros(count),
            TIP_PLACE + still,
            unit(point(1.0, -0.1, 0.1)) + still,
        )
        elbows = [
            point(-0.44, 0.45, 0.2),
            point(-0.44, -0.45, 0.2),
            point(0.10, 0.50 * side, 0.2),
            point(0.36, 0.48 * side, 0.2),
        ]
        self.stage.hands = [
            Hand(elbow + rng.uniform(-0.04, 0.04, 3) * [1, 1, 0], still.copy(), np.zeros(count), np.zeros(count, bool))
            for elbow in elbows
        ]
        for hand in self.stage.hands:
            hand.palm += self._away(hand)
        self._carry(script)
        # Bodies turn before hands are laid on them, whatever the order of the deeds.
        for deed in script.head:
            if deed.kind == "rub_back":
                self._turn(deed)
        do: dict[str, Callable[[Deed], None]] = {
            "ventilate": self._ventilate,
            "suck": self._suck,
            "rub_trunk": self._rub_trunk,
            "rub_back": self._rub_back,
            "hold_mask": self._hold_mask,
            "hold_tube": self._hold_tube,
            "rest_hand": self._rest_hand,
            "check_bag": self._check_bag,
            "check_tube": self._check_tube,
        }
        for deed in [*script.head, *script.body]:
            do[deed.kind](deed)

    @staticmethod
    def _away(hand: Hand) -> Array:
        """Return where a hand waits, out of the picture."""
        return np.asarray(hand.elbow * [1.02, 1.02, 1.0])

    def _share(self, start: float, end: float, over: float) -> Array:
        """Return a course (T,) that rises from 0 to 1 from start on and falls to 0 until the end."""
        return smooth((self.t - start) / over) * smooth((end - self.t) / over)

    def _lay(self, index: int, at: Array, share: Array, curl: float) -> None:
        """Bring a hand to a place (T, 3) as far as `share` (T,) says."""
        hand = self.stage.hands[index]
        here = share > 0
        hand.palm[here] = mix(hand.palm, at, share)[here]
        hand.curl[here] = curl * share[here]
        hand.shown |= here

    def _take(self, index: int, at: Array, deed: Deed, curl: float) -> None:
        """Let a hand reach for a tool's grip (T, 3) and go with it."""
        self._lay(index, at, self._share(deed.start, deed.end, REACH / 2), curl)

    def _moved(self, deed: Deed) -> Array:
        """Return how far (T,) a tool is from its place to where it is used."""
        return self._share(deed.start + REACH / 2, deed.end - REACH / 2, REACH / 2)

    def _pair(self, helper: bool) -> tuple[int, int]:
        """Return the hands that support and work on the body."""
        return (2, 3) if helper and len(self.workers) > 1 else (0, 1)

    def _beat(self, low: float, high: float, who: int) -> Array:
        """Return a wave (T,) between -1 and 1 whose frequency, hertz, is drawn between the two."""
        tempo = self.workers[min(who, len(self.workers) - 1)].tempo
        return np.asarray(np.sin(2 * np.pi * (self.t * self.rng.uniform(low, high) * tempo + self.rng.random())))

    # --- The newborn -------------------------------------------------------------------------------------------------

    def _carry(self, script: Script) -> None:
        comes, goes = script.lies
        stage, lying = self.stage, self.stage.lying
        away = np.zeros(len(self.t))
        if comes > 0:
            away = np.maximum(away, 1 - smooth((self.t - comes + CARRY) / CARRY))
        if goes < script.seconds:
            away = np.maximum(away, smooth((self.t - goes) / CARRY))
        path = point(-0.75, 0.0, 0.10)
        at = lying.at + away[:, None] * path + (0.05 * np.sin(np.pi * away))[:, None] * Z
        stage.lying = Lying(at, lying.along, lying.roll)
        stage.there = away < 1
        moving = (away > 0) & (away < 1)
        for index, side in ((0, 1.0), (1, -1.0)):
            hand = stage.hands[index]
            held = stage.lying.point(0.02 + 0.05 * side, 0.075 * side, 0.01)
            hand.palm[moving], hand.curl[moving] = held[moving], 0.4
            hand.shown |= moving

    def _turn(self, deed: Deed) -> None:
        """Roll the newborn so that its back faces whoever rubs it."""
        stage = self.stage
        _, right = self._pair(helper=True)
        towards = np.sign(stage.hands[right].elbow[1])
        left_is = np.sign(np.cross(Z, stage.lying.along)[1])
        angle = -1.25 * towards * left_is * self._share(deed.start + 0.3 * REACH, deed.end - 0.3 * REACH, 0.7 * REACH)
        stage.lying = stage.lying._replace(roll=stage.lying.roll + angle)

    # --- At the head -------------------------------------------------------------------------------------------------

    def _mask_to(self, deed: Deed, at: Array, front: Array, bag: Array) -> None:
        share, stage = self._moved(deed), self.stage
        lift = (0.08 * np.sin(np.pi * share))[:, None] * Z
        stage.mask[:] = mix(stage.mask, at, share) + lift
        stage.mask_front[:] = unit(mix(stage.mask_front, front, share))
        stage.bag[:] = unit(mix(stage.bag, bag, share))

    def _bag_grip(self) -> Array:
        stage = self.stage
        return np.asarray(stage.mask + RISE * stage.mask_front + BAG * stage.bag + 0.035 * Z)

    def _mask_grip(self) -> Array:
        stage = self.stage
        return np.asarray(stage.mask + 0.03 * stage.mask_front - 0.035 * unit(stage.mask - stage.hands[0].elbow))

    def _squeezed(self, deed: Deed) -> None:
        low, high = deed.contact
        wave = 0.5 + 0.5 * self._beat(0.7, 1.05, 0)
        on = (self.t >= low) & (self.t <= high)
        self.stage.squeeze[on] = wave[on] ** 1.5

    def _backwards(self) -> Array:
        """Return where the bag points in use: beyond the crown, and up (T, 3)."""
        stage, side = self.stage, float(self.rng.uniform(-0.5, 0.0))
        left, _ = stage.lying.frame()
        return unit(0.9 * stage.lying.along + side * left + 0.22 * Z)

    def _ventilate(self, deed: Deed) -> None:
        _, front = self.stage.lying.frame()
        self._mask_to(deed, self.stage.lying.point(0.148, 0, 0.060), front, self._backwards())
        self._squeezed(deed)
        self._take(0, self._mask_grip(), deed, 0.55)
        self._take(1, self._bag_grip(), deed, 0.75)
        # A hand that squeezes closes.
        grip = self.stage.hands[1]
        grip.curl += 0.25 * self.stage.squeeze * (grip.curl > 0.5)

    def _hold_mask(self, deed: Deed) -> None:
        sway = 0.006 * self._beat(0.2, 0.5, 0)
        beside = self.stage.lying.point(0.20 + sway, float(self.rng.choice([-1.0, 1.0])) * 0.15, 0.10)
        self._mask_to(deed, beside, unit(Z + 0.3 * self.stage.lying.along) + np.zeros_like(beside), self._backwards())
        self._take(0, self._mask_grip(), deed, 0.55)

    def _check_bag(self, deed: Deed) -> None:
        at = TRIAL + np.zeros_like(self.stage.mask)
        self._mask_to(deed, at, unit(Z + 0.2 * self.stage.lying.along) + np.zeros_like(at), self._backwards())
        self._squeezed(deed)
        self._take(0, self._mask_grip(), deed, 0.55)
        self._take(1, self._bag_grip(), deed, 0.75)

    def _tip_to(self, deed: Deed, at: Array) -> None:
        share, stage = self._moved(deed), self.stage
        back = unit(unit(stage.hands[0].elbow - at) + 0.45 * Z)
        stage.tip[:] = mix(stage.tip, at, share) + (0.05 * np.sin(np.pi * share))[:, None] * Z
        stage.back[:] = unit(mix(stage.back, back, share))
        self._take(0, stage.tip + GRIP * stage.back + 0.02 * Z, deed, 0.8)

    def _suck(self, deed: Deed) -> None:
        depth, aside = 0.008 * self._beat(0.8, 1.4, 0), 0.008 * self._beat(0.3, 0.6, 0)
        self._tip_to(deed, self.stage.lying.point(0.134, aside, 0.062 + depth))

    def _hold_tube(self, deed: Deed) -> None:
        sway = 0.006 * self._beat(0.2, 0.5, 0)
        self._tip_to(deed, self.stage.lying.point(0.22 + sway, 0.17 * float(self.rng.choice([-1.0, 1.0])), 0.06))

    def _check_tube(self, deed: Deed) -> None:
        at = TRIAL + np.zeros_like(self.stage.tip)
        at[:, 0] += 0.01 * self._beat(0.3, 0.6, 0)
        self._tip_to(deed, at)

    # --- At the body -------------------------------------------------------------------------------------------------

    def _rub_trunk(self, deed: Deed) -> None:
        _, work = self._pair(helper=True)
        stroke = self.rng.uniform(0.035, 0.055) * self._beat(1.3, 1.9, 1)
        across = float(self.rng.uniform(-0.6, 0.6))
        at = self.stage.lying.point(0.01 + stroke, across * stroke, 0.082)
        self._lay(work, at, self._share(deed.start, deed.end, REACH), 0.15)

    def _rest_hand(self, deed: Deed) -> None:
        _, work = self._pair(helper=True)
        sway = 0.002 * self._beat(0.2, 0.4, 1)
        along, aside = self.rng.uniform(-0.03, 0.05), float(self.rng.uniform(-0.02, 0.02))
        at = self.stage.lying.point(along + sway, aside, 0.082)
        self._lay(work, at, self._share(deed.start, deed.end, REACH), 0.15)

    def _rub_back(self, deed: Deed) -> None:
        support, work = self._pair(helper=True)
        lying, share = self.stage.lying, self._share(deed.start, deed.end, REACH)
        towards = float(np.sign(self.stage.hands[work].elbow[1])) * point(0, 1, 0)
        stroke = self.rng.uniform(0.035, 0.055) * self._beat(1.3, 1.9, 1)
        self._lay(work, lying.at + stroke[:, None] * lying.along + 0.055 * towards + 0.068 * Z, share, 0.15)
        self._lay(support, lying.at + 0.085 * lying.along - 0.035 * towards + 0.09 * Z, share, 0.35)
