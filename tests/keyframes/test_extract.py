import base64
import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.base.video.sample import decoded
from stages.keyframes import extract as room
from stages.keyframes.extract import completion, extract, key
from stages.keyframes.held import Clip
from stages.keyframes.params import KeyframesParams
from tests.base.video.clips import noise, write_clip
from tests.keyframes.test_katna import scene

#: What `test_golden` sees, by VERSION. Where it fails: raise VERSION, and put here what it sees now. (Where only a
#: library moved, this alone: its version is in the key.)
GOLDEN = {1: "9f49e21350899e291891257b4b7ed0d3"}


def params(**changes):
    values = {"method": "katna", "count": 2, "seed": 0, "format": "png", "quality": 95, "side": None}
    return KeyframesParams(**{**values, **changes})


def frames_of(path, **changes):
    return extract(str(path), params(**changes))["frames"]


def image_of(frame):
    return np.asarray(decoded(base64.b64decode(frame["image"])))


def test_keyframes_are_frames_of_the_clip_in_time_order(tmp_path):
    frames = scene(80)
    chosen = frames_of(write_clip(tmp_path / "clip.mov", frames))
    assert [frame["fallback"] for frame in chosen] == [None, None]
    assert chosen[0]["frame"] < chosen[1]["frame"]
    for frame in chosen:
        assert frame["time"] == frame["frame"] / 10
        assert np.array_equal(image_of(frame), frames[frame["frame"]])


def test_uniform_takes_the_middles_of_equal_parts(tmp_path):
    path = write_clip(tmp_path / "clip.mov", noise(20))
    chosen = frames_of(path, method="uniform", count=4)
    assert [(frame["frame"], frame["fallback"]) for frame in chosen] == [(2, None), (7, None), (12, None), (17, None)]


@pytest.mark.parametrize("method", ["katna", "uniform"])
@pytest.mark.parametrize(("length", "count", "said"), [(1, 2, "1 frame"), (2, 3, "2 frames"), (1, 1, None)])
def test_a_clip_shorter_than_asked_gives_all_its_frames_and_says_so(tmp_path, length, count, said, method):
    chosen = frames_of(write_clip(tmp_path / "clip.mov", noise(length)), count=count, method=method)
    assert [frame["frame"] for frame in chosen] == list(range(length))
    if said and method == "katna":
        assert {frame["fallback"] for frame in chosen} == {f"the clip has {said}"}


def test_a_static_clip_gives_its_middles_and_says_why(tmp_path):
    chosen = frames_of(write_clip(tmp_path / "clip.mov", np.repeat(noise(1), 40, axis=0)))
    why = "no frame is a local maximum of change"
    assert [(frame["frame"], frame["fallback"]) for frame in chosen] == [(10, why), (30, why)]


def test_what_katna_gives_is_kept_and_what_lacks_is_far_from_it(tmp_path):
    # One change in the second half: one candidate, which Katna would give alone.
    frames = np.repeat(noise(1), 40, axis=0)
    frames[28] //= 2
    path = write_clip(tmp_path / "clip.mov", frames)
    katnas = [frame["frame"] for frame in frames_of(path, count=1)]
    both = frames_of(path)
    assert both[1] == frames_of(path, count=1)[0]
    assert (both[0]["frame"], both[0]["fallback"]) == (10, "only 1 frames are local maxima of change")
    assert len(katnas) == 1


@given(st.integers(1, 80), st.integers(1, 20), st.data())
def test_completion_fills_up_with_other_frames(total, count, data):
    chosen = data.draw(st.lists(st.integers(0, total - 1), unique=True, max_size=min(count, total)))
    added = completion(total, count, chosen)
    assert len({*chosen, *added}) == len(chosen) + len(added) == min(total, count)
    assert all(0 <= index < total for index in added)


def test_a_clip_that_does_not_fit_in_memory_gives_the_same(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "clip.mov", scene(120))
    held = frames_of(path)
    for room_for in (0, 50 * 48 * 64 * 3):
        monkeypatch.setattr(room, "Clip", lambda path, room_for=room_for: Clip(path, room_for))
        assert frames_of(path) == held


def test_images_are_stored_as_asked(tmp_path):
    path = write_clip(tmp_path / "clip.mov", scene(40))
    small = frames_of(path, side=32, format="jpeg", quality=50)[0]
    assert image_of(small).shape == (24, 32, 3)
    assert base64.b64decode(small["image"])[:2] == b"\xff\xd8"


def test_the_key_holds_what_shapes_the_result_and_nothing_else():
    assert key("a", params()) == key("a", params(quality=50))  # of a PNG
    assert key("a", params(method="uniform")) == key("a", params(method="uniform", seed=9))
    kinds = [
        {},
        {"seed": 1},
        {"method": "uniform"},
        {"count": 1},
        {"side": 64},
        {"format": "jpeg"},
        {"format": "jpeg", "quality": 50},
    ]
    assert len({key(md5, params(**kind)) for kind in kinds for md5 in "ab"}) == 2 * len(kinds)


def test_golden(tmp_path):
    path = write_clip(tmp_path / "clip.mov", scene(90))
    seen = [frames_of(path, **kind) for kind in ({}, {"method": "uniform"}, {"format": "jpeg", "side": 40, "count": 7})]
    digest = hashlib.md5(json.dumps(seen, sort_keys=True).encode(), usedforsecurity=False).hexdigest()
    assert GOLDEN.get(room.VERSION) == digest, f"raise VERSION in stages/keyframes/extract.py: {digest}"
