"""The back end on the CPU, on drawn clips whose truth is known."""

import hashlib

import numpy as np
import pytest

from stages.base.video.masks import from_runs
from stages.streams import still_camera
from stages.streams.pair import choose
from stages.streams.params import OpenCVParams
from stages.streams.still_camera import StillCamera
from tests.streams.drawn import clip, drawn, stands, walks

PARAMS = OpenCVParams(backend="opencv", side=200)


def found(tmp_path, frames, params=PARAMS):
    """Return who is found in frames, and the masks by track and frame."""
    rows = StillCamera(params).find(clip(tmp_path, frames))
    masks = {(one.track, one.frame): from_runs(one.mask, frames.shape[1:3]) for one in rows}
    return rows, masks


def overlap(one, other):
    return (one & other).sum() / max(1, (one | other).sum())


def owners(masks, truth, least=0.5):
    """Return, for each track, the people of the truth that its masks show, frame by frame."""
    shown = {}
    for (track, frame), mask in sorted(masks.items()):
        best = max(range(len(truth)), key=lambda who: overlap(mask, truth[who, frame]))
        if overlap(mask, truth[best, frame]) >= least:
            shown.setdefault(track, []).append((frame, best))
    return shown


def test_nobody(tmp_path):
    rows, _ = found(tmp_path, drawn([], 12)[0])
    assert rows == []


@pytest.mark.parametrize("courses", [[walks(30, 3)], [stands(100)]], ids=["walks", "stands all the time"])
def test_one_person_in_every_frame(tmp_path, courses):
    frames, truth = drawn(courses)
    rows, masks = found(tmp_path, frames)
    assert {one.track for one in rows} == {0}
    assert np.mean([overlap(masks[0, t], truth[0, t]) for t in range(40)]) > 0.75


def test_who_stands_is_not_found_where_only_motion_counts(tmp_path):
    assert found(tmp_path, drawn([stands(100)])[0], PARAMS.model_copy(update={"plain": 0.0}))[0] == []


def test_two_people_who_meet_and_touch_stay_two(tmp_path):
    frames, truth = drawn([lambda t: (40 + min(t, 20) * 2, 110), lambda t: (160 - min(t, 20) * 2, 110)])
    _, masks = found(tmp_path, frames)
    assert [min(overlap(masks[who, t], truth[who, t]) for t in range(40)) > 0.6 for who in (0, 1)] == [True, True]


def test_two_who_cross_keep_who_they_are(tmp_path):
    frames, truth = drawn([walks(30, 3.4), walks(170, -3.4, 112)], frames=42)
    _, masks = found(tmp_path, frames)
    shown = owners(masks, truth)
    for track in (0, 1):
        before = {who for frame, who in shown[track] if frame < 14}
        after = {who for frame, who in shown[track] if frame > 28}
        assert before == after == {track}
    assert len(shown[0]) + len(shown[1]) > 70, "they are seen but where one hides the other"


def test_who_leaves_and_comes_back_is_the_same_person(tmp_path):
    def away(t):
        return (170 + 4 * t, 110) if t < 15 else (170 + 4 * (45 - t), 110) if t > 30 else None

    frames, truth = drawn([stands(60), away], frames=46)
    rows, masks = found(tmp_path, frames)
    shown = owners(masks, truth)
    assert {one.track for one in rows} == {0, 1}
    assert {who for _, who in shown[1]} == {1}
    seen = {frame for frame, _ in shown[1]}
    assert min(seen) == 0
    assert max(seen) == 45
    assert not seen & set(range(24, 31)), "there is no row where the person is not seen"


def test_a_stranger_who_comes_later_is_somebody_else(tmp_path):
    def leaves(t):
        return (170 + 4 * t, 110) if t < 15 else None

    def comes(t):
        return (170 + 4 * (45 - t), 110) if t > 30 else None

    frames, truth = drawn([stands(60), leaves, comes], frames=46)
    shown = owners(found(tmp_path, frames)[1], truth)
    assert sorted({who for _, who in people} for people in shown.values()) == [{0}, {1}, {2}]


def test_who_is_cut_by_the_frame_is_found_as_far_as_they_are_in_it(tmp_path):
    frames, truth = drawn([stands(4), stands(120, 150)], frames=20)
    rows, masks = found(tmp_path, frames)
    assert [np.mean([overlap(masks[who, t], truth[who, t]) for t in range(20)]) > 0.6 for who in (0, 1)] == [True] * 2
    assert all(0 <= left < right <= 200 and 0 <= top < bottom <= 120 for _, _, (left, top, right, bottom), *_ in rows)


def test_five_people_are_five(tmp_path):
    courses = [walks(25 + 60 * who, 1.0 if who % 2 else -0.2) for who in range(5)]
    frames, truth = drawn(courses, frames=20, size=(330, 120))
    rows, masks = found(tmp_path, frames, PARAMS.model_copy(update={"side": 330}))
    assert choose(rows, 20).people == 5
    assert sorted({who for _, who in people}.pop() for people in owners(masks, truth).values()) == [0, 1, 2, 3, 4]


def test_a_clip_of_three_frames(tmp_path):
    frames, _ = drawn([walks(50, 10), walks(150, -10)], frames=3)
    rows, _ = found(tmp_path, frames)
    assert sorted((one.track, one.frame) for one in rows) == [(who, t) for who in (0, 1) for t in range(3)]


def test_4000_pixels_wide_is_looked_at_small_and_scaled_back(tmp_path):
    frames, truth = drawn([stands(1000, 2000), walks(3000, -40, 2000)], frames=4, size=(4000, 2200), tall=1400)
    _, masks = found(tmp_path, frames, PARAMS.model_copy(update={"side": 320}))
    assert masks[0, 0].shape == (2200, 4000)
    shown = owners(masks, truth, least=0.8)
    assert sorted(len(people) for people in shown.values()) == [4, 4]
    assert {frozenset(who for _, who in people) for people in shown.values()} == {frozenset({0}), frozenset({1})}


def test_a_long_clip_is_followed_beyond_the_frames_that_are_held(tmp_path, monkeypatch):
    frames, truth = drawn([walks(30, 1), stands(160)], frames=60)
    monkeypatch.setattr(still_camera, "_HELD", 25)
    shown = owners(found(tmp_path, frames)[1], truth, least=0.6)
    assert sorted({who for _, who in people}.pop() for people in shown.values()) == [0, 1]
    assert all([frame for frame, _ in people] == list(range(60)) for people in shown.values())


def test_the_same_clip_gives_the_same_people(tmp_path):
    """If it changes, so does VERSION: the journal's are stale."""
    frames, _ = drawn([walks(30, 3), walks(170, -3)], frames=30)
    rows, _ = found(tmp_path, frames)
    text = repr([(one.track, one.frame, one.box, one.mask.tolist(), one.score) for one in rows])
    assert hashlib.md5(text.encode()).hexdigest() == "d56461fb5cde686474b2ff209e1994f9"
    assert still_camera.VERSION == 1
