"""A recording's number -> its frames, its annotations and its truth."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.simulate.camera import Array
from stages.simulate.draw import Canvas, Solid
from stages.simulate.newborn import figure
from stages.simulate.params import Table
from stages.simulate.render import PERSON, Frames, clip_size, lighting, lit, masked, shuffled
from stages.simulate.resuscitate import Stage, act
from stages.simulate.scenes import table
from stages.simulate.script import Interval, Script, write
from stages.simulate.tools import hand, mask_and_bag, suction

#: What the truth gives a place of, in every frame.
POINTS = ("face", "trunk", "mask", "suction", "hand_0", "hand_1", "hand_2", "hand_3")


class Plan(NamedTuple):
    """What recording `number` shows, fixed by seed and number alone."""

    number: int
    subject: int
    helper: int | None
    newborn: int
    table: int

    @property
    def clip_id(self) -> str:
        """First health worker, mannequin, table and number."""
        return f"p{self.subject:02d}_m{self.newborn:02d}_t{self.table:02d}_r{self.number:03d}"


class Recording(NamedTuple):
    """A rendered recording: its frames, what is done, its annotations by time and its row of RECORDINGS."""

    plan: Plan
    frames: Frames
    script: Script
    intervals: list[Interval]
    truth: dict[str, Any]


def plan(scene: Table, number: int) -> Plan:
    """Return what recording `number` shows: workers, mannequins and tables take turns, each in a random order."""

    def turn(stream: int, choices: int) -> int:
        cycle, at = divmod(number, choices)
        return int(shuffled(scene.seed, stream, cycle, choices)[at])

    rng = np.random.default_rng([scene.seed, 14, number])
    first = scene.subjects[turn(11, len(scene.subjects))]
    others = [subject for subject in scene.subjects if subject != first]
    helped = bool(others) and rng.random() < scene.helped
    helper = others[int(rng.integers(len(others)))] if helped else None
    newborn, place = (scene.first + turn(*which) for which in ((12, scene.newborns), (13, scene.tables)))
    return Plan(number, first, helper, newborn, place)


def render(scene: Table, what: Plan) -> Recording:
    """Return recording `what`, drawn.

    Two generators: one for all that surrounds hands, tools and mannequin, one for what is done.
    """
    around, acting = (np.random.default_rng([scene.seed, stream, what.number]) for stream in (15, 16))
    count = round(float(around.uniform(*scene.seconds)) * scene.fps)
    place = table.table(what.table)
    canvas = Canvas(table.camera(place, scene.size))
    canvas.draw(place.solids)
    canvas.draw(table.lying_about(around))
    light = lighting(around)
    workers = [table.worker(one) for one in (what.subject, what.helper) if one is not None]
    script = write(count / scene.fps, len(workers) > 1, acting)
    stage = act(script, workers, np.arange(count) / scene.fps, acting)
    frames, masks = _draw(canvas, stage, place, table.newborn(what.newborn), workers)
    intervals = [*_seen(canvas, stage, scene.fps), *script.intervals()]
    truth = {
        "clip_id": what.clip_id,
        "subject": f"{what.subject:02d}",
        "helper": None if what.helper is None else f"{what.helper:02d}",
        "newborn": f"{what.newborn:02d}",
        "table": f"{what.table:02d}",
        **clip_size(count, scene.fps, scene.size),
        "names": list(POINTS),
        "points": _points(canvas, stage).ravel(),
        **masked(masks, lit(canvas.image(), light)),
    }
    intervals.sort(key=lambda interval: (interval.start, interval.label))
    return Recording(what, np.stack([lit(frame, light) for frame in frames]), script, intervals, truth)


def _draw(
    canvas: Canvas, stage: Stage, place: table.Table, look: table.Newborn, workers: list[table.Worker]
) -> tuple[list[Frames], NDArray[np.bool_]]:
    """Return the frames, and where newborn, tools and hands are seen (T, H, W)."""
    frames, masks = [], []
    still: tuple[bytes, Canvas] | None = None
    left, front = stage.lying.frame()
    for t in range(len(stage.t)):
        # Newborn and tools often do not move for seconds: what was drawn of them is taken again.
        lies, tools = (stage.lying.at[t], left[t], front[t]), (stage.mask[t], stage.mask_front[t], stage.bag[t])
        state = (*lies, *tools, stage.tip[t], stage.back[t], [stage.squeeze[t], stage.there[t]])
        key = np.concatenate(state).tobytes()
        if still is None or still[0] != key:
            drawn = canvas.copy()
            drawn.draw(mask_and_bag(*tools, float(stage.squeeze[t]), place.bag), PERSON)
            drawn.draw(suction(stage.tip[t], stage.back[t], place.canister, place.suction), PERSON)
            if stage.there[t]:
                drawn.draw(figure(look, lies[0], stage.lying.along, *lies[1:]), PERSON)
            still = key, drawn
        picture = still[1].copy()
        picture.draw(_hands(stage, workers, t), PERSON)
        frames.append(picture.image())
        masks.append(picture.mask(PERSON))
    return frames, np.stack(masks)


def _hands(stage: Stage, workers: list[table.Worker], t: int) -> list[Solid]:
    solids: list[Solid] = []
    for index, one in enumerate(stage.hands):
        if one.shown[t]:
            who = workers[min(index // 2, len(workers) - 1)]
            solids += hand(who, one.elbow, one.palm[t], float(one.curl[t]), left=index % 2 == 0)
    return solids


def _seen(canvas: Canvas, stage: Stage, fps: float) -> list[Interval]:
    """Return when the newborn is seen: while its trunk's middle is in the picture."""
    pixels = canvas.camera.project(canvas.camera.see(stage.lying.at))
    inside = ((pixels >= 0) & (pixels < [canvas.camera.width, canvas.camera.height])).all(-1) & stage.there
    edges = np.flatnonzero(np.diff(np.concatenate([[False], inside, [False]]).astype(int)))
    return [Interval("baby_visible", start / fps, end / fps) for start, end in edges.reshape(-1, 2).tolist()]


def _points(canvas: Canvas, stage: Stage) -> NDArray[np.float32]:
    """Return the places (T, N, 2) of POINTS, pixels."""
    places: list[Array] = [stage.lying.mouth, stage.lying.at, stage.mask, stage.tip, *(one.palm for one in stage.hands)]
    seen = canvas.camera.project(canvas.camera.see(np.stack(places, 1)))
    return np.asarray((seen / Canvas.SAMPLES).round(1), np.float32)
