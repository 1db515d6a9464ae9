"""The kitchen: parts as designed, narrations that name their class, and only hands and what they handle to tell it."""

from __future__ import annotations

import ast
import csv
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from stages.base.paths import Run
from stages.base.tables import read_table
from stages.base.video import controls
from stages.base.video.decode import read_frames
from stages.controls.clips import read_truths
from stages.learn.data import Clip
from stages.simulate.cooking import NOUNS, VERBS
from stages.simulate.make_kitchen import COLUMNS, clock, make_kitchen, tail
from stages.simulate.narrate import NOUN_WORDS, VERB_WORDS, narrate
from stages.simulate.params import Kitchen
from stages.simulate.schema import SEGMENTS
from stages.simulate.segment import POINTS, Plan, Segment, plan, render

PAIRS = [(verb, noun) for verb, one in VERBS.items() for noun in one.nouns]
UNSEEN, NEW = [4, 8], [("take", "bottle"), ("stir", "cup")]


def scene(**changed: Any) -> Kitchen:
    values: dict[str, Any] = {
        "style": "kitchen",
        "seed": 7,
        "clips": 600,
        "fps": 6.0,
        "size": (80, 64),
        "seconds": (2.0, 3.0),
        "subjects": [1, 2, 3, 5, 6, 7],
        "unseen": UNSEEN,
        "parts": {"train": 12, "seen": 4, "unseen": 2, "new_pairs": 2},
        "verbs": {verb: 8 / (place + 1) for place, verb in enumerate(VERBS)},
        "nouns": {noun: 8 / (place + 1) for place, noun in enumerate(NOUNS)},
        "new_pairs": NEW,
    }
    return Kitchen(**{**values, **changed})


@cache
def clip(number: int, verb: str, noun: str, **changed: Any) -> Segment:
    small = scene(**changed)
    return render(small, plan(small, number)._replace(verb=verb, noun=noun))


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    whole = scene()
    return [plan(whole, number) for number in range(whole.clips)]


def lists(folder: Path) -> dict[str, list[dict[str, str]]]:
    return {path.stem.removeprefix("EPIC_100_"): list(csv.DictReader(path.open())) for path in folder.glob("*.csv")}


def test_same_seed_gives_the_same_bytes_in_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made: dict[str, dict[str, bytes]] = {}
    for name, clips, processes in (("one", 6, 1), ("again", 6, 1), ("two", 6, 2), ("more", 8, 2)):
        finished: list[int] = []
        make_kitchen(scene(clips=clips), Run(name), processes, finished.append)
        assert sum(finished) == clips
        made[name] = {path.name: path.read_bytes() for path in Path("data", name).rglob("*.*") if path.is_file()}
    assert made["one"] == made["again"] == made["two"]
    assert not any(name.endswith(".part") for name in made["one"])
    videos = {name for name in made["one"] if name.endswith(".mp4")}
    assert len(videos) == 6
    assert all(made["one"][name] == made["more"][name] for name in videos)  # more clips change none


def test_lists_are_those_of_the_videos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every clip decodes, as long as its row says; classes are by number, words are among those of their class."""
    monkeypatch.chdir(tmp_path)
    small = scene(clips=40)
    train = make_kitchen(small, Run("kitchen"), 1, lambda done: None)
    folder = Path("data/kitchen/clips")
    found = lists(folder)
    assert set(found) == {
        *("train", "validation", "verb_classes", "noun_classes", "tail_verbs", "tail_nouns"),
        "unseen_participant_ids_validation",
    }
    assert len(found["train"]) == train == 24
    rows = [*found["train"], *found["validation"]]
    assert {f"{row['video_id']}.mp4" for row in rows} == {path.name for path in folder.glob("*.mp4")}
    words = {kind: [set(ast.literal_eval(one["instances"])) for one in found[f"{kind}_classes"]] for kind in COLUMN}
    keys = {kind: [one["key"] for one in found[f"{kind}_classes"]] for kind in COLUMN}
    assert keys == {"verb": list(small.verbs), "noun": list(small.nouns)}
    truths = {row["clip_id"]: row for row in read_table(Path("data/kitchen/truth.parquet"), SEGMENTS).to_dicts()}
    for row in rows:
        assert tuple(row) == COLUMNS
        truth = truths[row["narration_id"]]
        for kind in COLUMN:
            number = int(row[f"{kind}_class"])
            assert row[kind] in words[kind][number]
            assert keys[kind][number] == truth[kind]
        nouns, numbers = (ast.literal_eval(row[key]) for key in ("all_nouns", "all_noun_classes"))
        assert [nouns[0], numbers[0]] == [row["noun"], int(row["noun_class"])]
        assert all(noun in words["noun"][number] for noun, number in zip(nouns, numbers, strict=True))
        frames, _ = read_frames(str(folder / f"{row['video_id']}.mp4"))
        assert len(frames) == truth["frames"] == int(row["stop_frame"])
        assert (row["start_timestamp"], row["stop_timestamp"]) == (clock(0), clock(len(frames) / small.fps))
        assert row["video_id"].startswith(f"{row['participant_id']}_1")
    unseen = {row["participant_id"] for row in found["unseen_participant_ids_validation"]}
    assert unseen == {"P04", "P08"}
    assert not unseen & {row["participant_id"] for row in found["train"]}


COLUMN = ("verb", "noun")


def test_parts_are_as_designed(plans: list[Plan]) -> None:
    assert Counter(one.kind for one in plans) == {"train": 360, "seen": 120, "unseen": 60, "new_pairs": 60}
    assert len({one.clip_id for one in plans}) == 600
    train = [one for one in plans if one.kind == "train"]
    trained = {(one.verb, one.noun) for one in train}
    assert not trained & set(NEW)
    for one in plans:
        assert one.noun in VERBS[one.verb].nouns
        assert (one.subject in UNSEEN) == (one.kind == "unseen")
        assert ((one.verb, one.noun) in NEW) or one.kind != "new_pairs"
        assert one.kind != "seen" or (one.verb, one.noun) not in NEW
    assert {one.verb for one in train} == set(VERBS)
    assert {one.noun for one in train} == set(NOUNS)
    turns = Counter(one.subject for one in train)
    assert max(turns.values()) == min(turns.values())


@pytest.mark.parametrize("kind", COLUMN)
def test_the_tail_is_rare_and_tested(plans: list[Plan], kind: str) -> None:
    train = Counter(getattr(one, kind) for one in plans if one.kind == "train")
    test = Counter(getattr(one, kind) for one in plans if one.kind != "train")
    classes = list(getattr(scene(), f"{kind}s"))
    rare = {classes[number] for number in tail(classes, train)}
    assert 2 <= len(rare) < len(classes) - 2
    assert sum(train[name] for name in rare) <= 0.2 * train.total()
    assert max(train[name] for name in rare) <= min(train[name] for name in set(classes) - rare)
    assert max(train.values()) > 5 * min(train.values())
    assert sum(test[name] for name in rare) >= 20


def test_pairs_come_as_often_as_their_weights_say(plans: list[Plan]) -> None:
    small = scene()
    weights = {pair: share for pair, share in small.pairs().items() if pair not in NEW}
    train = Counter((one.verb, one.noun) for one in plans if one.kind == "train")
    for pair, share in weights.items():
        assert abs(train[pair] - 360 * share / sum(weights.values())) < 2.5


@pytest.mark.parametrize(("verb", "noun"), PAIRS)
def test_narrations_name_their_class_in_several_wordings(verb: str, noun: str) -> None:
    said = [narrate(verb, noun, "orange", np.random.default_rng(seed)) for seed in range(40)]
    for one in said:
        assert one.verb in VERB_WORDS[verb]
        assert one.nouns[0] in NOUN_WORDS[noun]
        assert one.text.startswith(one.verb.replace("-", " "))
        assert all(name in one.text for name in one.nouns)
        assert " a orange" not in one.text
    assert len({one.text for one in said}) >= 6


def test_no_word_is_of_two_classes() -> None:
    for words in (VERB_WORDS, NOUN_WORDS):
        listed = [word for of in words.values() for word in of]
        assert len(set(listed)) == len(listed)


@pytest.mark.parametrize(
    ("there", "back", "noun"),
    [("take", "put", noun) for noun in VERBS["put"].nouns] + [("open", "close", noun) for noun in VERBS["close"].nouns],
)
def test_a_direction_is_nothing_but_the_order_of_frames(there: str, back: str, noun: str) -> None:
    one, other = (clip(3, verb, noun, fps=3.0) for verb in (there, back))
    assert np.array_equal(one.frames, other.frames[::-1])
    assert not np.array_equal(one.frames, other.frames)


def test_nothing_around_the_hands_depends_on_what_is_done() -> None:
    for number in (0, 5):
        made = [clip(number, verb, one.nouns[-1], fps=2.0).truth for verb, one in VERBS.items()]
        assert len({truth["plate"] for truth in made}) == 1
        assert len({truth["frames"] for truth in made}) == 1
        # The head moves backwards where the motion does.
        views = {tuple(map(tuple, truth["views"].reshape(-1, 2))) for truth in made}
        assert {min(way, way[::-1]) for way in views} == {min(way, way[::-1]) for way in list(views)[:1]}


@pytest.mark.parametrize(("verb", "noun"), PAIRS)
def test_hands_and_what_they_handle_are_the_person(verb: str, noun: str) -> None:
    """Outside the mask a frame is what the head sees whatever is done; the controls' plate, but for JPEG."""
    made, other = clip(11, verb, noun, fps=3.0), clip(11, "shake", "jar", fps=3.0)
    truth, frames = made.truth, made.frames
    masks, boxes = controls.masks(truth), controls.boxes(truth)
    assert frames.shape == (truth["frames"], 64, 80, 3)
    plates = np.stack(list(controls.plates(truth)))
    apart = np.abs(frames.astype(int) - plates).max(-1)
    assert apart[~masks].mean() < 3
    assert apart[masks].mean() > 30
    order = slice(None, None, -1 if VERBS[verb].reverse else 1)
    free = ~masks[order] & ~controls.masks(other.truth)
    assert np.array_equal(frames[order][free], other.frames[free])
    for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
        assert mask.any()
        assert mask.sum() == mask[top:bottom, left:right].sum()
    points = np.asarray(truth["points"], float).reshape(len(frames), len(POINTS), 2)
    assert ((points[:, 2] > -4) & (points[:, 2] < [84, 68])).all(-1).mean() > 0.9  # what is handled is in the picture


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_the_masked_clip_has_no_hand_in_it(number: int) -> None:
    """And nothing of the thing: what is left is the kitchen, which the head's motion alone changes."""
    verb, noun = PAIRS[13 * number % len(PAIRS)]
    made = clip(number, verb, noun)
    left = controls.apply("without_person", made.frames, made.truth, 0).astype(int)
    plates = np.stack(list(controls.plates(made.truth))).astype(int)
    assert np.abs(left - plates).max() < 80  # at an edge, after JPEG
    assert np.abs(left - plates).mean() < 2
    assert np.abs(left - plates)[controls.masks(made.truth)].max() == 0


def test_controls_read_the_truth_of_a_moving_head(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_kitchen(scene(clips=3, fps=2.0), Run("kitchen"), 1, lambda done: None)
    names = pl.read_parquet("data/kitchen/truth.parquet")["clip_id"].to_list()
    clips = [Clip(name, Path(), "", 1, ("",)) for name in names]
    truths = read_truths(Path("data/kitchen/truth.parquet"), clips)
    frames, _ = read_frames(f"data/kitchen/clips/{names[0].removesuffix('_0')}.mp4")
    for name in controls.CONTROLS:
        assert controls.apply(name, frames, truths[names[0]], 0).shape == frames.shape


def test_participants_differ_and_hold_things_with_their_hand() -> None:
    hands = {plan_.subject: render(small, plan_).truth["hand"] for small, plan_ in wide()}
    assert set(hands.values()) == {"left", "right"}


def wide() -> list[tuple[Kitchen, Plan]]:
    small = scene(fps=2.0, subjects=list(range(1, 13)), unseen=[13])
    return [(small, plan(small, 0)._replace(subject=number)) for number in small.subjects]


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": (3, 2)},
        {"clips": 901},
        {"unseen": [1]},
        {"unseen": []},
        {"verbs": {"juggle": 1.0}},
        {"verbs": {"take": 0.0}},
        {"verbs": {"dry": 1.0}},
        {"nouns": {"sofa": 1.0}},
        {"new_pairs": [("cut", "cup")]},
        {"new_pairs": [*NEW, NEW[0]]},
        {"new_pairs": []},
        {"new_pairs": [("cut", "bread"), ("cut", "carrot")]},
        {"parts": {"train": 0, "seen": 1, "unseen": 0, "new_pairs": 0}},
    ],
)
def test_impossible_kitchens_are_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        scene(**changed)
