from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from pydantic import ValidationError

from stages.base.paths import Run
from stages.base.tables import read_table
from stages.base.video import controls
from stages.simulate.activities import ACTIVITIES
from stages.simulate.make import make
from stages.simulate.render import encode, plan, render
from stages.simulate.schema import TRUTH
from tests.simulate.small import CS_TRAIN, SUBJECTS, scene


def test_same_seed_gives_the_same_bytes_in_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made: dict[str, dict[str, bytes]] = {}
    for name, clips, processes in (("one", 4, 1), ("two", 4, 2), ("more", 6, 2)):
        finished: list[int] = []
        make(scene(clips=clips), Run(name), processes, finished.append)
        assert sum(finished) == clips
        made[name] = {path.name: path.read_bytes() for path in Path("data", name).rglob("*.*") if path.is_file()}
        assert len(read_table(Path("data", name, "truth.parquet"), TRUTH)) == clips
    assert made["one"] == made["two"]
    assert not any(name.endswith(".part") for name in made["one"])
    first = {name for name in made["one"] if name.endswith(".mp4")}
    assert len(first) == 4
    assert all(made["one"][name] == made["more"][name] for name in first)  # more clips change none


def test_another_seed_gives_another_clip() -> None:
    one, other = (scene(seed=seed) for seed in (1, 2))
    assert render(one, plan(one, 0)).truth["plate"] != render(other, plan(other, 0)).truth["plate"]


def test_names_are_smarthomes_and_every_class_meets_every_camera_and_subject() -> None:
    home = scene(activities=sorted(ACTIVITIES)[:18])
    plans = [plan(home, number) for number in range(600)]
    grammar = re.compile(r"[A-Z][a-z]+(?:TV)?(?:_[A-Z][a-z]+)?_p\d\d_r\d\d_v\d\d_c\d\d")
    assert all(grammar.fullmatch(one.clip_id) for one in plans)
    assert len({one.clip_id for one in plans}) == 600
    for activity in home.activities:
        cameras = Counter(one.camera for one in plans if one.activity == activity)
        subjects = Counter(one.subject for one in plans if one.activity == activity)
        assert set(cameras) == set(range(1, 8))
        assert set(subjects) == set(SUBJECTS)
        assert max(cameras.values()) - min(cameras.values()) <= 1
        assert set(subjects) - CS_TRAIN


def test_nothing_around_the_person_depends_on_the_activity() -> None:
    home = scene(fps=2)
    for number in (3, 40):
        versions = [render(home, plan(home, number)._replace(activity=name)).truth for name in home.activities]
        assert len({truth["plate"] for truth in versions}) == 1
        assert len({truth["frames"] for truth in versions}) == 1


@pytest.mark.parametrize(("there", "back"), [("Sitdown", "Getup"), ("Enter", "Leave")])
def test_a_direction_is_nothing_but_the_order_of_frames(there: str, back: str) -> None:
    home = scene()
    for number in (1, 2):
        one, other = (render(home, plan(home, number)._replace(activity=name)) for name in (there, back))
        assert np.array_equal(one.frames, other.frames[::-1])
        assert not np.array_equal(one.frames, other.frames)


@pytest.mark.parametrize("name", sorted(ACTIVITIES))
def test_truth_describes_the_frames(name: str) -> None:
    home = scene()
    clip = render(home, plan(home, 7)._replace(activity=name))
    truth, frames = clip.truth, clip.frames
    count = truth["frames"]
    assert frames.shape == (count, 60, 80, 3)
    masks, boxes, joints = controls.masks(truth), controls.boxes(truth), controls.joints(truth)
    assert masks.shape == (count, 60, 80)
    assert joints.shape == (count, 17, 2)
    for mask, (left, top, right, bottom) in zip(masks, boxes, strict=True):
        assert mask.any() == (right > left)
        assert mask.sum() == mask[top:bottom, left:right].sum()
    # Outside the mask a frame is the room without the person; only JPEG lies between.
    plate = controls.plate(truth).astype(int)
    apart = np.abs(frames.astype(int) - plate).max(-1)
    assert apart[masks].mean() > 5 * apart[~masks].mean()
    assert np.array_equal(frames[0][~masks[0] & ~masks[-1]], frames[-1][~masks[0] & ~masks[-1]])
    # Joints lie on the person: most of those in the picture are in its box.
    seen = [t for t in range(count) if masks[t].sum() > 150]
    inside = [
        ((joints[t] >= boxes[t][:2] - 1) & (joints[t] <= boxes[t][2:] + 1)).all(-1).mean() for t in seen
    ]  # hidden ones may lie outside
    assert np.mean(inside) > 0.7
    assert len(truth["held_at"]) == count * len(truth["held"]) * 2
    assert (ACTIVITIES[name].object is None) == (not truth["held"])
    assert ACTIVITIES[name].object in {None, *truth["held"]}


def test_file_decodes_to_the_frames(tmp_path: Path) -> None:
    home = scene(fps=12.5, size=(160, 120))
    clip = render(home, plan(home, 0))
    encode(clip.frames, home.fps, tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as file:
        assert file.streams.video[0].average_rate == 12.5
        decoded = np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])
    assert decoded.shape == clip.frames.shape
    assert np.abs(decoded.astype(int) - clip.frames).mean() < 6


def test_styles_share_no_looks() -> None:
    home, other = scene(), scene(style="pretrain")
    assert render(home, plan(home, 0)).truth["plate"] != render(other, plan(other, 0)).truth["plate"]


@pytest.mark.parametrize(
    "changed",
    [
        {"activities": ["Juggle"]},
        {"activities": ["Walk", "Walk"]},
        {"seconds": (4, 2)},
        {"clips": 0},
        {"size": (81, 60)},
    ],
)
def test_impossible_scenes_are_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        scene(**changed)
