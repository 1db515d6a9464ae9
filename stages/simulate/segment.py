"""The number of a clip of the kitchen -> its frames, its narration and its truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.simulate.camera import Array
from stages.simulate.cooking import VERBS, Handled, perform
from stages.simulate.draw import Canvas, Solid, View
from stages.simulate.narrate import Narration, narrate
from stages.simulate.params import Kitchen
from stages.simulate.render import PERSON, Frames, clip_size, lighting, lit, masked, shuffled
from stages.simulate.resuscitate import Hand
from stages.simulate.scenes import kitchen
from stages.simulate.tools import hand
from stages.simulate.utensils import COLOURS, THINGS, dye, utensil

Kind = Literal["train", "seen", "unseen", "new_pairs"]
KINDS: tuple[Kind, ...] = ("train", "seen", "unseen", "new_pairs")
#: What the truth gives a place of, in every frame.
POINTS = ("left_hand", "right_hand", "noun")
#: Whole numbers times this, less the whole part, are spread evenly, however many there are.
GOLDEN = (5**0.5 - 1) / 2


class Plan(NamedTuple):
    """What clip `number` shows, fixed by seed and number alone."""

    number: int
    kind: Kind
    verb: str
    noun: str
    subject: int

    @property
    def participant(self) -> str:
        """The participant's id, as EPIC-KITCHENS has it."""
        return f"P{self.subject:02d}"

    @property
    def video(self) -> str:
        """The video's id; every clip is a video of its own."""
        return f"{self.participant}_{100 + self.number:03d}"

    @property
    def clip_id(self) -> str:
        """The narration's id."""
        return f"{self.video}_0"


class Segment(NamedTuple):
    """A rendered clip: its frames, what is said of it and its row of SEGMENTS."""

    plan: Plan
    frames: Frames
    narration: Narration
    truth: dict[str, Any]


def plan(scene: Kitchen, number: int) -> Plan:
    """Return what clip `number` shows.

    A round has as many clips of each kind as `parts` says, in random order. Among the clips of a kind participants take
    turns, each round in another order, and pairs come evenly, as often as their weights say.
    """
    counts = [getattr(scene.parts, kind) for kind in KINDS]
    around, place = divmod(number, sum(counts))
    slot = int(shuffled(scene.seed, 41, around, sum(counts))[place])
    which = int(np.searchsorted(np.cumsum(counts), slot, side="right"))
    kind, index = KINDS[which], around * counts[which] + slot - sum(counts[:which])
    people = scene.unseen if kind == "unseen" else scene.subjects
    turn, at = divmod(index, len(people))
    subject = people[int(shuffled(scene.seed, 42 + which, turn, len(people))[at])]
    return Plan(number, kind, *_pair(scene, kind, index), subject)


def _pair(scene: Kitchen, kind: Kind, index: int) -> tuple[str, str]:
    new = set(scene.new_pairs)
    chosen = {
        pair: share
        for pair, share in scene.pairs().items()
        if kind == "unseen" or (pair in new) == (kind == "new_pairs")
    }
    pairs, ends = list(chosen), np.cumsum(list(chosen.values()))
    start = np.random.default_rng([scene.seed, 46, KINDS.index(kind)]).random()
    return pairs[int(np.searchsorted(ends / ends[-1], (start + index * GOLDEN) % 1.0, side="right"))]


def render(scene: Kitchen, what: Plan) -> Segment:
    """Return clip `what`, drawn.

    Two generators: one for all that surrounds the hands (length, light, what stands about, where the head looks), which
    therefore is the same whatever is done, and one for what is done. The head of a verb that is another one's motion
    played backwards moves backwards too.
    """
    around, acting, saying = (np.random.default_rng([scene.seed, stream, what.number]) for stream in (47, 48, 49))
    count = round(float(around.uniform(*scene.seconds)) * scene.fps)
    cook, (place, empty) = kitchen.cook(what.subject), _empty(scene.size, what.subject)
    behind = empty.copy()
    behind.draw(kitchen.standing_about(place, around))
    light, views = lighting(around), kitchen.wander(count, scene.fps, around)
    if VERBS[what.verb].reverse:
        views = views[::-1]
    full = _with_doors(behind, place, {"cupboard", "drawer"})
    colour = dye(what.noun, saying) if what.noun in THINGS else None
    shade = place.door if colour is None else COLOURS[colour]
    hands, things = perform(what.verb, what.noun, shade, cook, place, np.arange(count) / scene.fps, acting)
    canvas = full if colour else _with_doors(behind, place, {"cupboard", "drawer"} - {what.noun})
    frames, masks = _draw(canvas, cook, hands, things, [_view(corner, scene.size) for corner in views])
    narration = narrate(what.verb, what.noun, colour, saying)
    truth = {
        "clip_id": what.clip_id,
        "label": f"{what.verb} {what.noun}",
        "narration": narration.text,
        "verb": what.verb,
        "noun": what.noun,
        "colour": colour,
        "kind": what.kind,
        "subject": what.participant,
        "hand": "right" if cook.side > 0 else "left",
        **clip_size(count, scene.fps, scene.size),
        "names": list(POINTS),
        "points": _points(canvas, [*(one.palm for one in hands), things[0].at], views).ravel(),
        **masked(masks, lit(full.colour, light)),
        "samples": Canvas.SAMPLES,
        "views": views.ravel(),
    }
    return Segment(what, np.stack([lit(frame, light) for frame in frames]), narration, truth)


@lru_cache(16)
def _empty(size: tuple[int, int], number: int) -> tuple[kitchen.Kitchen, Canvas]:
    """Return a kitchen and what its cook sees of it; clips draw upon copies."""
    place = kitchen.kitchen(number)
    canvas = Canvas(kitchen.camera(size), near=0.15)
    canvas.draw(place.solids)
    return place, canvas


def _with_doors(canvas: Canvas, place: kitchen.Kitchen, names: set[str]) -> Canvas:
    twin = canvas.copy()
    for name in sorted(names):
        twin.draw(place.shut(name))
    return twin


def _draw(
    canvas: Canvas, cook: kitchen.Cook, hands: list[Hand], things: list[Handled], views: list[View]
) -> tuple[list[Frames], NDArray[np.bool_]]:
    """Return the frames and where hands and what they handle are seen (T, H, W)."""
    moving: list[Callable[[int], list[Solid]]] = []
    behind = canvas.copy()
    for thing in things:
        solids = partial(_thing, thing)
        if thing.shown.all() and _rests(thing.at, thing.up, thing.front):
            behind.draw(solids(0), PERSON)
        else:
            moving.append(solids)
    for left, one in zip((True, False), hands, strict=True):
        arm = partial(_arm, cook, one, left)
        if _rests(one.palm, one.curl):
            behind.draw(arm(0), PERSON)
        else:
            moving.append(arm)
    frames, masks = [], []
    for t, view in enumerate(views):
        picture = behind.copy()
        picture.draw([solid for solids in moving for solid in solids(t)], PERSON)
        frames.append(picture.image(view))
        masks.append(picture.mask(PERSON, view))
    return frames, np.stack(masks)


def _thing(of: Handled, t: int) -> list[Solid]:
    return utensil(of.name, of.at[t], of.up[t], of.front[t], of.colour) if of.shown[t] else []


def _arm(cook: kitchen.Cook, of: Hand, left: bool, t: int) -> list[Solid]:
    return hand(cook.arms, of.elbow, of.palm[t], float(of.curl[t]), left)


def _rests(*courses: Array) -> bool:
    return all((course == course[0]).all() for course in courses)


def _view(corner: NDArray[np.int16], size: tuple[int, int]) -> View:
    x, y = int(corner[0]), int(corner[1])
    return slice(y, y + size[1] * Canvas.SAMPLES), slice(x, x + size[0] * Canvas.SAMPLES)


def _points(canvas: Canvas, places: list[Array], views: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the places (T, N, 2) of POINTS, pixels of the frame."""
    seen = canvas.camera.project(canvas.camera.see(np.stack(places, 1))) - views[:, None]
    return np.asarray((seen / Canvas.SAMPLES).round(1), np.float32)
