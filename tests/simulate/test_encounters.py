"""Two people: parts as designed, sides that tell who acts, truth that is what is drawn, and people who pass."""

from __future__ import annotations

import csv
from collections import Counter
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from stages.annotated.interactions import read
from stages.base.paths import Run
from stages.base.tables import read_table
from stages.base.video import controls
from stages.base.video.decode import read_frames
from stages.controls.clips import read_truths
from stages.learn.data import Clip
from stages.simulate.encounter import Encounter, Plan, plan, render
from stages.simulate.interactions import CLASSES, INTERACTIONS, SWAPPED
from stages.simulate.make_encounters import make_encounters
from stages.simulate.params import Pairs
from stages.simulate.schema import ENCOUNTERS
from stages.simulate.sentences import WORDINGS, sentence

UNSEEN = ["bow", "lift", "taunt", "whisper"]
SEEN = [name for name in CLASSES if name not in UNSEEN]
TRAIN, VALIDATION, TEST = list(range(1, 11)), [21, 22, 23, 24], list(range(31, 43))


def scene(**changed: Any) -> Pairs:
    values: dict[str, Any] = {
        "style": "pairs",
        "seed": 5,
        "clips": 600,
        "fps": 6.0,
        "size": (80, 64),
        "seconds": (2.0, 2.6),
        "train": TRAIN,
        "validation": VALIDATION,
        "test": TEST,
        "cameras": [1, 2, 3, 4, 5],
        "rooms": 6,
        "parts": {"train": 24, "validation": 3, "seen": 8, "unseen": 5},
        "passed": 0.5,
        "cut": 0.1,
        "classes": SEEN,
        "unseen": UNSEEN,
    }
    return Pairs(**{**values, **changed})


@cache
def clip(number: int, label: str, passers: int = 0, cut: bool = False, **changed: Any) -> Encounter:
    small = scene(**changed)
    return render(small, plan(small, number)._replace(label=label, passers=passers, cut=cut))


def masks(truth: dict[str, Any]) -> np.ndarray:
    return controls.people_masks(truth)


def joints(truth: dict[str, Any]) -> np.ndarray:
    return controls.people_joints(truth)


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    whole = scene()
    return [plan(whole, number) for number in range(whole.clips)]


def test_same_seed_gives_the_same_bytes_in_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made: dict[str, dict[str, bytes]] = {}
    for name, clips, processes in (("one", 5, 1), ("two", 5, 2), ("more", 7, 2)):
        finished: list[int] = []
        make_encounters(scene(clips=clips), Run(name), processes, finished.append)
        assert sum(finished) == clips
        made[name] = {path.name: path.read_bytes() for path in Path("data", name).rglob("*.*") if path.is_file()}
    assert made["one"] == made["two"]
    assert not any(name.endswith(".part") for name in made["one"])
    videos = {name for name in made["one"] if name.endswith(".mp4")}
    assert len(videos) == 5
    assert all(made["one"][name] == made["more"][name] for name in videos)  # more clips change none


def test_parts_are_as_designed_and_share_nobody(plans: list[Plan]) -> None:
    kinds = {"train": 360, "validation": 45, "seen": 120, "unseen": 75}
    assert Counter(one.kind for one in plans) == kinds
    assert len({one.clip_id for one in plans}) == 600
    of = {"train": set(TRAIN), "validation": set(VALIDATION), "test": set(TEST)}
    for one in plans:
        assert set(one.people) <= of[one.part]
        assert one.people[0] != one.people[1]
        assert (one.label in UNSEEN) == (one.kind == "unseen")
    for kind, names in (("train", SEEN), ("validation", SEEN), ("seen", SEEN), ("unseen", UNSEEN)):
        counts = Counter(one.label for one in plans if one.kind == kind)
        assert set(counts) == set(names)
        assert max(counts.values()) - min(counts.values()) <= 1
    assert abs(np.mean([one.people[0] < one.people[1] for one in plans]) - 0.5) < 0.06  # nobody has a side
    tested = {frozenset(one.people) for one in plans if one.part == "test"}
    assert len(tested) == len(TEST) // 2  # pairs that share nobody
    assert len({frozenset(one.people) for one in plans if one.kind == "train"}) > 40  # of 45


def test_others_pass_and_the_edge_cuts_as_often_as_asked(plans: list[Plan]) -> None:
    for kind in ("train", "seen", "unseen"):
        here = [one for one in plans if one.kind == kind]
        assert abs(np.mean([one.passers > 0 for one in here]) - 0.5) < 0.06
        assert abs(np.mean([one.cut for one in here]) - 0.1) < 0.04
        for label in {one.label for one in here}:  # no class tells by who passes
            of = [one.passers > 0 for one in here if one.label == label]
            assert abs(np.mean(of) - 0.5) < 0.25
    assert {one.passers for one in plans} == {0, 1, 2, 3}


def test_lists_are_those_of_the_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small = scene(clips=40, fps=4.0, seconds=(1.8, 2.0), size=(64, 48))
    assert make_encounters(small, Run("two"), 1, lambda done: None) == 24
    folder = Path("data/two/clips")
    rows = list(csv.DictReader((folder / "interactions.csv").open()))
    table = read_table(Path("data/two/truth.parquet"), ENCOUNTERS)
    truths = {row["clip_id"]: row for row in table.to_dicts()}
    assert {row["file"] for row in rows} == {path.name for path in folder.glob("*.mp4")}
    for row in rows:
        truth = truths[row["clip_id"]]
        assert [row["label"], row["sentence"]] == [truth["label"], truth["sentence"]]
        assert [row["person_1"], row["person_2"]] == truth["people"][:2]
        assert int(row["passers_by"]) == len(truth["people"]) - 2
        frames, _ = read_frames(str(folder / row["file"]))
        assert len(frames) == truth["frames"]
    passed = (folder / "passers_by.txt").read_text().split()
    assert passed == [
        row["clip_id"] for row in rows if int(row["passers_by"]) and truths[row["clip_id"]]["kind"] == "seen"
    ]
    found = read(folder)
    assert set(found.classes) == set(CLASSES)
    assert [one.narration for one in found.segments] == [row["sentence"] for row in rows]
    clips = [Clip(name, Path(), "", 1, ("",)) for name in truths]
    known = read_truths(Path("data/two/truth.parquet"), clips)
    for name in controls.CONTROLS:
        assert controls.apply(name, frames, known[row["clip_id"]], 0).shape == frames.shape


@pytest.mark.parametrize("label", sorted(CLASSES))
def test_truth_is_what_is_drawn(label: str) -> None:
    made = clip(7, label)
    truth, frames = made.truth, made.frames
    seen, found, count = masks(truth), joints(truth), truth["frames"]
    assert frames.shape == (count, 64, 80, 3)
    assert seen.shape == (2, count, 64, 80)
    assert found.shape == (2, count, 17, 2)
    assert np.array_equal(seen.any(0), controls.masks(truth))
    for of, boxes in zip(seen, controls.people_boxes(truth), strict=True):
        for mask, (left, top, right, bottom) in zip(of, boxes, strict=True):
            assert mask.any()
            assert mask.sum() == mask[top:bottom, left:right].sum()
            assert mask[top:bottom, left].any()
            assert mask[bottom - 1, left:right].any()
    plate = controls.plate(truth).astype(int)
    apart, anybody = np.abs(frames.astype(int) - plate).max(-1), seen.any(0)
    assert apart[anybody].mean() > 5 * apart[~anybody].mean()
    free = ~anybody[0] & ~anybody[-1]
    assert np.array_equal(frames[0][free], frames[-1][free])
    # Most joints are on their own body, and so few are on the other's alone that the two are not swapped.
    near = np.stack([[cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) for mask in of] for of in seen]) > 0
    own, others = (_inside(found, near[order]) for order in ([0, 1], [1, 0]))
    assert own > 0.85
    assert own > others


def _inside(found: np.ndarray, near: np.ndarray) -> float:
    x, y = (found[..., axis].astype(int) for axis in (0, 1))
    people, times = np.ogrid[: len(near), : near.shape[1]]
    inside = (x >= 0) & (y >= 0) & (x < near.shape[3]) & (y < near.shape[2])
    at = near[people[..., None], times[..., None], y.clip(0, near.shape[2] - 1), x.clip(0, near.shape[3] - 1)]
    return float(at[inside].mean())


@pytest.mark.parametrize("label", sorted(CLASSES))
@pytest.mark.parametrize(("number", "passers", "cut"), [(3, 0, False), (12, 2, False), (20, 0, True)])
def test_the_first_person_is_further_left_when_both_are_first_seen(
    label: str, number: int, passers: int, cut: bool
) -> None:
    truth = clip(number, label, passers, cut, fps=4.0).truth
    boxes = controls.people_boxes(truth)[:2]
    both = np.flatnonzero((boxes[..., 2] > boxes[..., 0]).all(0))
    assert len(both)
    left, right = boxes[:, both[0], ::2].sum(-1)
    assert left < right


def test_those_who_pass_hide_the_two_and_are_hidden() -> None:
    alone, passed = (clip(4, "shake hands", passers, fps=4.0) for passers in (0, 3))
    free, seen = masks(alone.truth), masks(passed.truth)
    assert len(seen) == len(passed.truth["people"]) == 5
    assert (seen[:2] & ~free).sum() == 0  # nothing of the two is seen that was not before
    hidden = free & ~seen[:2]
    assert hidden.sum() > 50
    assert (hidden & ~seen[2:].any(0)).sum() == 0  # where they are hidden, somebody who passes is seen
    overlap = [(one & other).sum() / min(one.sum(), other.sum()) for one, other in combinations(seen, 2)]
    assert max(overlap) < 0.25  # they share no more than pixels of their outlines
    assert alone.truth["sentence"] == passed.truth["sentence"]
    # What the two do is the same, and so is the room.
    assert np.array_equal(joints(alone.truth), joints(passed.truth)[:2])
    assert alone.truth["plate"] == passed.truth["plate"]


def test_those_who_pass_are_others_of_the_same_part() -> None:
    small = scene(test=[31, 32, 33, 34, 35, 36], fps=2.0)
    for number in range(12):
        what = plan(small, number)._replace(passers=3)
        people = render(small, what).truth["people"]
        assert len(set(people)) == len(people) == 5 or what.part == "validation"
        assert {int(name[1:]) for name in people} <= set(getattr(small, what.part))


def test_the_edge_cuts_people_where_it_should() -> None:
    def cut(truth: dict[str, Any]) -> bool:
        boxes = controls.people_boxes(truth)[:2]
        return bool((boxes[..., 0] == 0).any() or (boxes[..., 2] == truth["width"]).any())

    numbers = range(0, 12)
    assert np.mean([cut(clip(number, "shake hands", 0, True, fps=3.0).truth) for number in numbers]) > 0.5
    assert np.mean([cut(clip(number, "shake hands", 0, False, fps=3.0).truth) for number in numbers]) < 0.2


def test_nothing_around_the_two_depends_on_what_they_do() -> None:
    for number in (2, 9):
        made = [clip(number, label, 1, fps=2.0).truth for label in CLASSES]
        assert len({truth["plate"] for truth in made}) == 1
        assert len({truth["frames"] for truth in made}) == 1
        assert len({tuple(truth["people"]) for truth in made}) == 1
        assert len({joints(truth)[2].tobytes() for truth in made}) == 1


@pytest.mark.parametrize(
    ("there", "back"), [("left hands over to right", "right hands over to left"), ("walk up", "back away")]
)
def test_a_direction_is_nothing_but_the_order_of_frames(there: str, back: str) -> None:
    one, other = (clip(6, label) for label in (there, back))
    assert np.array_equal(one.frames, other.frames[::-1])
    assert not np.array_equal(one.frames, other.frames)


@pytest.mark.parametrize("number", [1, 5, 8, 13])
@pytest.mark.parametrize("sign", [1, -1])
def test_sides_tell_who_acts(number: int, sign: int) -> None:
    """Who is pushed goes away from who pushes, who kicks lifts the foot, who has the thing at the end was given it."""
    who = 0 if sign > 0 else 1
    sides = ("left", "right")[::sign]
    pushed, kicked, given = (
        clip(number, f"{sides[0]} {does} {sides[1]}", fps=10.0).truth for does in ("pushes", "kicks", "hands over to")
    )
    assert [one["actor"] for one in (pushed, kicked, given)] == [who + 1] * 3
    hips = joints(pushed)[:, :, [11, 12]].mean(2)[..., 0]
    assert sign * (hips[1 - who, -1] - hips[1 - who, 0]) > 3
    feet = joints(kicked)[:, :, [15, 16], 1]
    lifted = feet.max((1, 2)) - feet.min((1, 2))
    assert lifted[who] > 2 * lifted[1 - who]
    hangs = (joints(given)[:, :, [9, 10], 1] - joints(given)[:, :, [11, 12], 1]).mean(2)  # wrists below hips, pixels
    assert hangs[who, 0] < hangs[1 - who, 0] - 2
    assert hangs[1 - who, -1] < hangs[who, -1] - 2


def test_swapped_classes_are_each_others() -> None:
    assert len(SWAPPED) == 6
    for label, other in SWAPPED.items():
        assert SWAPPED[other] == label != other
        assert CLASSES[label].interaction == CLASSES[other].interaction
    assert {shown.interaction for shown in CLASSES.values()} == set(INTERACTIONS) == set(WORDINGS)


@pytest.mark.parametrize("interaction", sorted(WORDINGS))
@pytest.mark.parametrize("acting", [0, 1])
def test_sentences_say_who_does_what_to_whom(interaction: str, acting: int) -> None:
    acts = INTERACTIONS[interaction].acts
    said = {sentence(interaction, acting if acts else None, "book", np.random.default_rng(seed)) for seed in range(60)}
    assert len(said) >= 6
    for text in said:
        assert "{" not in text
        if acts:
            first, second = ("left", "right")[:: 1 if acting == 0 else -1]
            assert 0 <= text.index(first) < text.index(second)
        assert ("a book" in text) == (interaction == "hand over")


def test_no_wording_is_of_two_interactions() -> None:
    listed = [wording for of in WORDINGS.values() for wording in of]
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": (3, 2)},
        {"seconds": (1, 2)},
        {"clips": 0},
        {"size": (81, 64)},
        {"train": [1]},
        {"train": [1, 1]},
        {"test": [1, 31]},
        {"test": [31, 32, 33]},
        {"validation": []},
        {"cameras": [9]},
        {"classes": ["juggle"]},
        {"classes": ["hug", "hug"]},
        {"classes": ["hug", "left pushes right"]},
        {"classes": [*SEEN, "bow"]},
        {"classes": ["hug", "left pushes right"], "unseen": ["right pushes left"]},
        {"unseen": []},
        {"passed": 1.5},
        {"parts": {"train": 0, "validation": 0, "seen": 1, "unseen": 0}},
    ],
)
def test_impossible_scenes_are_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        scene(**changed)
