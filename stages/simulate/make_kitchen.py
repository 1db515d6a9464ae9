"""Render the clips of a kitchen on all cores and write them: videos, lists in EPIC-KITCHENS-100's form, truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import cv2

from stages.base.paths import Run
from stages.simulate.drawn import drawn, renewed
from stages.simulate.lists import write_list
from stages.simulate.narrate import NOUN_WORDS, VERB_WORDS, Narration
from stages.simulate.params import Kitchen
from stages.simulate.render import encode
from stages.simulate.schema import SEGMENTS
from stages.simulate.segment import Plan, plan, render

#: Clips whose truth is a row group.
GROUP = 256
#: Share of the train clips that rare classes hold together, as in EPIC-KITCHENS-100.
TAIL = 0.2
COLUMNS = (
    "narration_id",
    "participant_id",
    "video_id",
    "narration_timestamp",
    "start_timestamp",
    "stop_timestamp",
    "start_frame",
    "stop_frame",
    "narration",
    "verb",
    "verb_class",
    "noun",
    "noun_class",
    "all_nouns",
    "all_noun_classes",
)


class Rendered(NamedTuple):
    """A written clip: what is said of it and its row of SEGMENTS."""

    narration: Narration
    truth: dict[str, Any]


def make_kitchen(scene: Kitchen, run: Run, processes: int, advance: Callable[[int], None]) -> int:
    """Write all clips of a scene with their lists and truth; return how many train.

    Each output appears when it is whole, the truth last. Memory does not grow with the number of clips' frames.
    """
    plans = sorted((plan(scene, number) for number in range(scene.clips)), key=lambda one: one.clip_id)
    rows: dict[bool, list[list[object]]] = {True: [], False: []}
    with renewed(run) as (clips, truth):
        for what, made in drawn(partial(_one, scene, clips), plans, processes, truth, SEGMENTS, GROUP, advance):
            seconds = made.truth["frames"] / scene.fps
            rows[what.kind == "train"].append(_row(scene, what, made.narration, made.truth["frames"], seconds))
        write_list(clips / "EPIC_100_train.csv", COLUMNS, rows[True])
        write_list(clips / "EPIC_100_validation.csv", COLUMNS, rows[False])
        _write_classes(scene, [one for one in plans if one.kind == "train"], clips)
    return len(rows[True])


def _row(scene: Kitchen, what: Plan, said: Narration, frames: int, seconds: float) -> list[object]:
    """Return a clip's row; frames are those of its file."""
    classes = {word: number for number, noun in enumerate(scene.nouns) for word in NOUN_WORDS[noun]}
    words = [word for word in said.nouns if word in classes]  # a tool may be none of the scene's nouns
    ids = [what.clip_id, what.participant, what.video, clock(seconds / 2), clock(0), clock(seconds), 0, frames]
    verb = [said.verb, list(scene.verbs).index(what.verb)]
    return [*ids, said.text, *verb, words[0], classes[words[0]], words, [classes[word] for word in words]]


def _write_classes(scene: Kitchen, train: Sequence[Plan], folder: Path) -> None:
    """Write class lists, rare classes and the participants who do not train."""
    named = (("verb", scene.verbs, VERB_WORDS), ("noun", scene.nouns, NOUN_WORDS))
    for column, classes, words in named:
        rows = [[number, name, list(words[name]), name] for number, name in enumerate(classes)]
        write_list(folder / f"EPIC_100_{column}_classes.csv", ["id", "key", "instances", "category"], rows)
        rare = tail(list(classes), Counter(getattr(one, column) for one in train))
        write_list(folder / f"EPIC_100_tail_{column}s.csv", [column], [[number] for number in rare])
    unseen = [[f"P{number:02d}"] for number in scene.unseen]
    write_list(folder / "EPIC_100_unseen_participant_ids_validation.csv", ["participant_id"], unseen)


def tail(classes: Sequence[str], counts: Counter[str]) -> list[int]:
    """Return the numbers of the smallest classes that together hold at most a share `TAIL` of the train clips."""
    held, rare = 0, []
    for count, number in sorted((counts[name], number) for number, name in enumerate(classes)):
        held += count
        if held > TAIL * counts.total():
            break
        rare.append(number)
    return sorted(rare)


def clock(seconds: float) -> str:
    """Return a time as HH:MM:SS.ss."""
    minutes, rest = divmod(round(100 * seconds), 6000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 100:02d}.{rest % 100:02d}"


def _one(scene: Kitchen, folder: Path, what: Plan) -> Rendered:
    cv2.setNumThreads(1)  # the processes already take every core
    clip = render(scene, what)
    encode(clip.frames, scene.fps, folder / f"{what.video}.mp4")
    return Rendered(clip.narration, clip.truth)
