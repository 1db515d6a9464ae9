"""Render the clips of two people on all cores and write them: videos, annotations, truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from stages.base.paths import Run
from stages.simulate.drawn import drawn, renewed
from stages.simulate.encounter import Plan, plan, render
from stages.simulate.interactions import CLASSES
from stages.simulate.lists import write_list
from stages.simulate.params import Pairs
from stages.simulate.render import encode
from stages.simulate.schema import ENCOUNTERS

#: Clips whose truth is a row group.
GROUP = 128
#: The annotations, the class list, and the names of test clips of seen classes in which others pass.
ANNOTATIONS, LISTED, PASSED = "interactions.csv", "classes.csv", "passers_by.txt"
COLUMNS = (*("clip_id", "file", "part", "label", "sentence", "person_1", "person_2", "room", "camera", "passers_by"),)


class Rendered(NamedTuple):
    """A written clip: its row of ENCOUNTERS."""

    truth: dict[str, Any]


def make_encounters(scene: Pairs, run: Run, processes: int, advance: Callable[[int], None]) -> int:
    """Write all clips of a scene with annotations, class list and truth; return how many train.

    Each output appears when it is whole, the truth last. Memory does not grow with the number of clips.
    """
    plans = sorted((plan(scene, number) for number in range(scene.clips)), key=lambda one: one.clip_id)
    rows: list[list[object]] = []
    passed: list[str] = []
    with renewed(run) as (clips, truth):
        for what, made in drawn(partial(_one, scene, clips), plans, processes, truth, ENCOUNTERS, GROUP, advance):
            one = made.truth
            rows.append([what.clip_id, f"{what.clip_id}.mp4", what.part, what.label, one["sentence"]])
            rows[-1] += [*one["people"][:2], one["room"], one["camera"], len(one["people"]) - 2]
            if what.kind == "seen" and len(one["people"]) > 2:
                passed.append(what.clip_id)
        write_list(clips / ANNOTATIONS, COLUMNS, rows)
        kinds = [("seen", scene.classes), ("unseen", scene.unseen)]
        classes = [[name, CLASSES[name].interaction, kind] for kind, names in kinds for name in names]
        write_list(clips / LISTED, ["label", "interaction", "kind"], sorted(classes))
        (clips / PASSED).write_text("".join(f"{name}\n" for name in passed), encoding="utf-8")
    return sum(what.kind == "train" for what in plans)


def _one(scene: Pairs, folder: Path, what: Plan) -> Rendered:
    cv2.setNumThreads(1)  # the processes already take every core
    clip = render(scene, what)
    encode(clip.frames, scene.fps, folder / f"{what.clip_id}.mp4")
    return Rendered(clip.truth)
