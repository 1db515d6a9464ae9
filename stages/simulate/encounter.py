"""The number of a clip of two people -> its frames, its sentence and its truth."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stages.base.video.masks import run_lengths
from stages.simulate.body import axes, figure, joints, torso
from stages.simulate.camera import Array
from stages.simulate.draw import Canvas
from stages.simulate.duo import Duo
from stages.simulate.interactions import CLASSES, THINGS, actor, perform
from stages.simulate.objects import thing
from stages.simulate.params import Pairs
from stages.simulate.passing import passing
from stages.simulate.render import Frames, boxes, clip_size, lighting, lit, masked, shuffled
from stages.simulate.scenes import hall
from stages.simulate.segment import GOLDEN
from stages.simulate.sentences import sentence
from stages.simulate.take import Performer

Kind = Literal["train", "validation", "seen", "unseen"]
KINDS: tuple[Kind, ...] = ("train", "validation", "seen", "unseen")
#: How far the two may turn from going straight across the picture, radians; how far from the middle of the room they
#: are, least and most metres, and where the frame's edge cuts one of them.
TURN, OFF, CUT = 0.17, (0.0, 0.2), (0.8, 1.05)
#: How much larger than life things are that are handed over.
THING = 1.6


class Plan(NamedTuple):
    """What clip `number` shows, fixed by seed and number alone."""

    number: int
    kind: Kind
    label: str
    people: tuple[int, int]
    """The left one first."""
    camera: int
    room: int
    passers: int
    """How many others pass."""
    cut: bool

    @property
    def pair(self) -> str:
        """The two people, whoever is on which side."""
        return "+".join(f"p{number:02d}" for number in sorted(self.people))

    @property
    def clip_id(self) -> str:
        """The two people and a number; no class."""
        return f"{self.pair.replace('+', '_')}_{self.number:04d}"

    @property
    def part(self) -> str:
        """The part that the annotations give."""
        return self.kind if self.kind in ("train", "validation") else "test"


class Encounter(NamedTuple):
    """A rendered clip: its frames and its row of ENCOUNTERS."""

    plan: Plan
    frames: Frames
    truth: dict[str, Any]


def plan(scene: Pairs, number: int) -> Plan:
    """Return what clip `number` shows.

    A round has as many clips of each kind as `parts` says, in random order. Among the clips of a kind the classes take
    turns, each round of them in another order; from one to the next every class moves on in its own random order of
    pairs, of cameras and of rooms, and others pass in as many of its clips as the share says.
    """
    counts = [getattr(scene.parts, kind) for kind in KINDS]
    around, place = divmod(number, sum(counts))
    slot = int(shuffled(scene.seed, 61, around, sum(counts))[place])
    which = int(np.searchsorted(np.cumsum(counts), slot, side="right"))
    kind, index = KINDS[which], around * counts[which] + slot - sum(counts[:which])
    labels = scene.unseen if kind == "unseen" else scene.classes
    turn, at = divmod(index, len(labels))
    label = int(shuffled(scene.seed, 62 + which, turn, len(labels))[at])

    def pick(stream: int, choices: int) -> int:
        cycle, at = divmod(turn, choices)
        return int(shuffled(scene.seed, 66 + 4 * stream + which, cycle * len(labels) + label, choices)[at])

    def share(stream: int, of: float) -> bool:
        start = np.random.default_rng([scene.seed, 90 + stream, which, label]).random()
        return bool((start + turn * GOLDEN) % 1.0 < of)

    pairs = _pairs(scene, kind)
    one, other = pairs[pick(0, len(pairs))]
    draws = np.random.default_rng([scene.seed, 95, number])
    left, passers = bool(draws.random() < 0.5), 1 + int(draws.choice(3, p=[0.5, 0.35, 0.15]))
    return Plan(
        number,
        kind,
        labels[label],
        (one, other) if left else (other, one),
        scene.cameras[pick(1, len(scene.cameras))],
        pick(2, scene.rooms),
        passers if share(0, scene.passed) else 0,
        share(1, scene.cut),
    )


def _pairs(scene: Pairs, kind: Kind) -> list[tuple[int, int]]:
    """Return the pairs of a kind: of those who train each with each, of others two by two."""
    if kind == "train":
        return [(one, other) for place, one in enumerate(scene.train) for other in scene.train[place + 1 :]]
    people = scene.validation if kind == "validation" else scene.test
    return list(zip(people[::2], people[1::2], strict=True))


def render(scene: Pairs, what: Plan) -> Encounter:
    """Return clip `what`, drawn.

    Three generators: one for all that surrounds the two (length, light, where they are, who passes), which therefore is
    the same whatever they do, one for what they do, and one for the sentence.
    """
    around, acting, saying = (np.random.default_rng([scene.seed, stream, what.number]) for stream in (96, 97, 98))
    count = round(float(around.uniform(*scene.seconds)) * scene.fps)
    times = np.arange(count) / scene.fps
    place, empty = _empty(scene.size, what.room, what.camera)
    canvas = empty.copy()
    canvas.draw(hall.furnish(place, around))
    light = lighting(around)
    duo = _duo(what, canvas, times, around, acting)
    passers = _passers(scene, what, around)
    walking = passing([hall.person(one, int(around.integers(2))) for one in passers], times, around)
    perform(what.label, duo)
    everybody = [*duo.both, *walking]
    found = np.stack([joints(one.body, one.pose) for one in everybody])
    frames, masks = _draw(canvas, everybody, found)
    anybody = np.asarray(masks.any(0))
    acts = actor(what.label, duo.who)
    pixels = canvas.camera.project(canvas.camera.see(found)) / Canvas.SAMPLES
    shown = CLASSES[what.label]
    truth = {
        "clip_id": what.clip_id,
        "label": what.label,
        "interaction": shown.interaction,
        "sentence": sentence(shown.interaction, acts, duo.object, saying),
        "kind": what.kind,
        "subject": what.pair,
        "people": [f"p{number:02d}" for number in (*what.people, *passers)],
        "actor": None if acts is None else acts + 1,
        "thing": duo.object,
        "cut": what.cut,
        "camera": f"{what.camera:02d}",
        "room": f"{what.room:02d}",
        **clip_size(count, scene.fps, scene.size),
        "joints": pixels.round(1).astype(np.float32).ravel(),
        "person_boxes": np.stack([boxes(one) for one in masks]).ravel(),
        "person_masks": [run_lengths(one) for one in masks],
        **masked(anybody, lit(canvas.image(), light)),
    }
    return Encounter(what, np.stack([lit(frame, light) for frame in frames]), truth)


@lru_cache(32)
def _empty(size: tuple[int, int], number: int, camera: int) -> tuple[hall.Hall, Canvas]:
    """Return a room and what a camera sees of it; clips draw upon copies."""
    place = hall.hall(number)
    canvas = Canvas(hall.camera(camera, size))
    canvas.draw(place.solids)
    return place, canvas


def _duo(what: Plan, canvas: Canvas, times: Array, around: Generator, acting: Generator) -> Duo:
    """Return the two before they do anything; who acts is drawn where the class does not say it."""
    across = hall.sideways(canvas.camera, around.uniform(-TURN, TURN))
    side = 1.0 if around.random() < 0.5 else -1.0
    off = side * around.uniform(*(CUT if what.cut else OFF))
    left, right = what.people
    outfit = int(around.integers(2))
    first = hall.person(left, outfit)
    others = [hall.person(right, (outfit + more) % 2) for more in (0, 1)]
    second = next((body for body in others if body.shirt_name != first.shirt_name), others[0])
    drawn = int(acting.integers(2))
    shown = CLASSES[what.label]
    duo = Duo(
        (first, second),
        hall.MIDDLE + off * across,
        across,
        drawn if shown.who is None else shown.who,
        times,
        acting,
    )
    if shown.interaction == "hand over":
        duo.object = THINGS[int(acting.integers(len(THINGS)))]
    return duo


def _passers(scene: Pairs, what: Plan, around: Generator) -> list[int]:
    """Return the numbers of those who pass: of the same part, but not the two."""
    part: list[int] = getattr(scene, what.part)
    others = [number for number in part if number not in what.people]
    return [int(number) for number in around.permutation(others)[: what.passers]]


def _draw(canvas: Canvas, everybody: list[Performer], found: Array) -> tuple[list[Frames], NDArray[np.bool_]]:
    """Return the frames and where each person, with what they hold, is seen (P, T, H, W)."""
    shapes = [(torso(one.body, one.pose), axes(one.pose.yaw, one.pose.tilt)[0]) for one in everybody]
    frames, masks = [], []
    for t in range(found.shape[1]):
        picture = canvas.copy()
        for owner, (one, joint, (trunk, toes)) in enumerate(zip(everybody, found, shapes, strict=True), 1):
            picture.draw(figure(one.body, joint, trunk, toes, t), owner)
            for prop in one.pose.props:
                if prop.shown[t]:
                    picture.draw(thing(prop.name, prop.at[t], prop.up[t], prop.front[t], THING), owner)
        frames.append(picture.image())
        masks.append([picture.mask(owner) for owner in range(1, len(everybody) + 1)])
    return frames, np.asarray(masks).swapaxes(0, 1)
