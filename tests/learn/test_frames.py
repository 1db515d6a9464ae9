"""Clips decoded once: the pixels that decoding gives, kept over processes, kills and removals."""

from __future__ import annotations

import numpy as np
import pytest

from stages.base.errors import InputError
from stages.base.journal.store import root
from stages.base.video.sample import sample
from stages.learn import frames
from stages.learn.data import Clip
from stages.learn.frames import Store, decode, resized
from stages.learn.params import Pixels
from stages.simulate.render import encode

PIXELS = Pixels(frames=2, size=(32, 24), kept=4, kept_size=(32, 24), fit="stretch")


@pytest.fixture
def clips(tmp_path) -> list[Clip]:
    made = []
    for number in range(3):
        pictures = np.random.default_rng(number).integers(0, 256, (6, 48, 64, 3), dtype=np.uint8)
        path = tmp_path / f"{number}.mp4"
        encode(pictures, 5.0, path)
        made.append(Clip(str(number), path, f"md5 {number}", 6, ("x",)))
    return made


def test_kept_frames_are_the_decoded_ones(clips):
    store = Store(PIXELS)
    assert store.keep(clips, 1) == 3
    for clip in clips:
        whole, _ = sample(clip.path, 4, frames=6)
        wanted = np.stack([resized(frame, (32, 24), "stretch") for frame in whole])
        assert np.array_equal(store.get(clip), wanted)
        assert np.array_equal(store.get(clip, [2, 0]), wanted[[2, 0]])


def test_decoded_once_for_all_processes_and_again_where_removed(clips):
    Store(PIXELS).keep(clips[:1], 1)
    store = Store(PIXELS)
    assert store.keep(clips, 1) == 2
    assert Store(PIXELS).keep(clips, 1) == 0
    before = store.get(clips[0]).copy()
    for segment in (root() / "frames").glob("*.u8"):
        segment.unlink()
    again = Store(PIXELS)
    assert again.keep(clips, 1) == 3
    assert np.array_equal(again.get(clips[0]), before)


@pytest.mark.parametrize("place", [0, 4000, -1])
def test_a_flipped_bit_is_decoded_again(clips, place, capsys):
    store = Store(PIXELS)
    store.keep(clips, 1)
    before = [store.get(clip).copy() for clip in clips]
    (segment,) = (root() / "frames").glob("*.u8")
    content = bytearray(segment.read_bytes())
    content[place] ^= 1
    segment.write_bytes(content)
    again = Store(PIXELS)
    assert again.keep(clips, 1) == 1
    assert f"left aside, a disk changed it, {clips[0].path.parent}" in capsys.readouterr().err
    assert all(np.array_equal(again.get(clip), one) for clip, one in zip(clips, before, strict=True))


@pytest.mark.parametrize("lost", ["a bit", "the file"])
def test_what_was_lost_is_decoded_once_however_the_journals_files_are_called(clips, lost, monkeypatch, capsys):
    names = iter(f"{digit}" * 32 for digit in "891234")  # the newer ones are read first, so the older would win
    monkeypatch.setattr("uuid.uuid4", lambda: type("Name", (), {"hex": next(names)}))
    Store(PIXELS).keep(clips, 1)
    (segment,) = (root() / "frames").glob("*.u8")
    if lost == "a bit":
        content = bytearray(segment.read_bytes())
        content[0] ^= 1
        segment.write_bytes(content)
    else:
        segment.unlink()
    assert Store(PIXELS).keep(clips, 1) > 0
    capsys.readouterr()
    again = Store(PIXELS)
    assert again.keep(clips, 1) == 0
    assert capsys.readouterr().err == ""
    assert all(np.array_equal(again.get(clip), decode(clip, 4, (32, 24), "stretch")) for clip in clips)


def test_other_frames_or_sizes_are_other_records(clips):
    Store(PIXELS).keep(clips, 1)
    for changed in ({"kept": 5}, {"kept_size": (16, 12)}, {"fit": "cover"}):
        assert Store(PIXELS.model_copy(update=changed)).keep(clips, 1) == 3
    assert Store(PIXELS.model_copy(update={"frames": 3, "window": 0.5})).keep(clips, 1) == 0


def test_a_file_that_two_clips_share_is_decoded_once(clips):
    twin = clips[0]._replace(clip_id="twin")
    store = Store(PIXELS)
    assert store.keep([clips[0], twin], 1) == 1
    assert np.array_equal(store.get(twin), store.get(clips[0]))


def test_killed_while_decoding_it_goes_on(clips, monkeypatch):
    put, done = frames.Journal.put, []

    def dying(self, key, value):
        if done:
            raise KeyboardInterrupt  # the record's frames are written, the journal does not know of them
        done.append(key)
        put(self, key, value)

    with monkeypatch.context() as patch:
        patch.setattr(frames.Journal, "put", dying)
        with pytest.raises(KeyboardInterrupt):
            Store(PIXELS).keep(clips, 1)
    store = Store(PIXELS)
    assert store.keep(clips, 1) == 2
    assert np.array_equal(store.get(clips[2]), decode(clips[2], 4, (32, 24), "stretch"))


def test_a_clip_that_does_not_decode_is_named(clips):
    clips[1].path.write_bytes(b"no video")
    with pytest.raises(InputError, match=r"1\.mp4"):
        Store(PIXELS).keep(clips, 1)


def test_fit():
    picture = np.zeros((40, 80, 3), np.uint8)
    picture[:, 20:60] = 255
    assert resized(picture, (20, 20), "cover").min() == 255  # the middle square
    stretched = resized(picture, (20, 20), "stretch")
    assert stretched[:, 0].max() == 0
    assert resized(picture, (80, 40), "cover").shape == (40, 80, 3)
    assert resized(picture, (160, 80), "stretch").shape == (80, 160, 3)
