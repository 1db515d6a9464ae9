"""What is seen of a clip: crops, masks, what is kept and found again, and streams that do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from stages.base.errors import InputError
from stages.base.journal.arrays import Arrays
from stages.base.schema import STREAMED, STREAMS
from stages.base.tables import read_table, write_table
from stages.encoders.params import EncoderParams
from stages.encoders.pose import PoseEncoder
from stages.interact.params import Seeing
from stages.interact.seen import Shows, around, keep
from stages.interact.source import Streamed
from stages.learn.data import Clip, read_task
from tests.interact.small import FRAMES, HEIGHT, WIDTH, track_rows, write_models, write_set

SHAPES = {"pose": {"name": "pose"}, "vision": {"name": "vit"}}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / ".journal"))
    write_set(tmp_path, 4)
    return Path("data/two/streams/truth")


def clips() -> list[Clip]:
    fold = read_task(write_set(Path(), 16), "cs").folds[0]
    return [*fold.train, *fold.test]


class Recorded:
    """Encoders that say the mean colour of what they are given, and remember it."""

    def __init__(self) -> None:
        self.loaded = 0
        self.pose_given: list[tuple[np.ndarray, np.ndarray]] = []
        self.vision_given: list[np.ndarray] = []

    def encoders(self):
        self.loaded += 1

        def pose(frames, boxes):
            self.pose_given.append((frames, boxes))
            return np.broadcast_to(frames.mean((1, 2))[:, None], (len(frames), 5, 3)).astype(np.float32)

        def vision(frames):
            self.vision_given.append(frames)
            return np.broadcast_to(frames.mean((1, 2))[:, None], (len(frames), 4, 3)).astype(np.float32)

        return pose, vision


def test_three_media_of_a_clip_each_alone(folder):
    shows, said = Shows(Seeing(frames=4), folder, SHAPES), Recorded()
    one = shows.look(clips()[0])
    found = shows.features(one, *said.encoders())
    assert {name: value.shape for name, value in found.items()} == {"p1": (4, 5, 3), "p2": (4, 5, 3), "bg": (4, 4, 3)}
    assert all(value.dtype == np.float16 for value in found.values())
    (first, boxes), (second, _) = said.pose_given
    assert (first[0].any(2) & second[0].any(2)).sum() == 0  # nobody is in the other's stream
    assert first[0].any(2).sum() == 12 * 26
    assert boxes[0, 0] < WIDTH // 2  # person 1 stands left
    (rest,) = said.vision_given
    assert (~rest[0].any(2)).sum() == 2 * 12 * 26
    whole = Recorded()
    shows = Shows(Seeing(frames=4, media="whole_frames"), None, SHAPES)
    assert list(shows.features(shows.look(clips()[0]), *whole.encoders())) == ["frames"]
    assert whole.vision_given[0].any(3).all()


def test_a_crop_is_of_one_or_of_both_and_maybe_not_masked(folder):
    for seeing, same, dark in (
        (Seeing(frames=4), False, True),
        (Seeing(frames=4, crop="pair"), True, True),
        (Seeing(frames=4, masked=False), False, False),
    ):
        shows, said = Shows(seeing, folder, SHAPES), Recorded()
        shows.features(shows.look(clips()[0]), *said.encoders())
        (first, one), (_, other) = said.pose_given
        assert np.array_equal(one, other) == same
        assert (not first.any(3).all()) == dark
    none, box = np.zeros((1, 4), np.int64), np.array([[3, 4, 10, 12]])
    assert around(box, none).tolist() == around(none, box).tolist() == box.tolist()
    assert around(box, np.array([[1, 6, 5, 30]])).tolist() == [[1, 4, 10, 30]]
    assert around(none, none).tolist() == none.tolist()


def test_features_are_computed_once_and_what_shapes_them_is_their_key(folder, tmp_path):
    shows, said = Shows(Seeing(frames=4), folder, SHAPES), Recorded()
    one = shows.look(clips()[0])
    with Arrays("interact") as arrays:
        assert keep(shows, [one], arrays, said.encoders) == {}
    with Arrays("interact") as arrays:
        keep(shows, [one], arrays, said.encoders)
        kept = {name: arrays[key].copy() for name, key in one.keys.items()}
    assert said.loaded == 1
    assert np.array_equal(kept["p1"], shows.features(one, *said.encoders())["p1"])

    def keys(seeing: Seeing, shapes=SHAPES) -> dict[str, str]:
        return Shows(seeing, folder, shapes).look(clips()[0]).keys

    base = keys(Seeing(frames=4))
    assert keys(Seeing(frames=4, background=False)) == {name: base[name] for name in ("p1", "p2")}
    other = keys(Seeing(frames=4), SHAPES | {"pose": {"name": "other"}})
    assert (other["bg"], other["p1"] == base["p1"]) == (base["bg"], False)
    for changed in (Seeing(frames=3), Seeing(frames=4, crop="pair"), Seeing(frames=4, pooled=True)):
        assert keys(changed)["p1"] != base["p1"]
    rows = read_table(folder / "tracks.parquet", STREAMS).to_dicts()
    rows[0]["box"] = [0, 0, 4, 4]
    write_table(folder / "tracks.parquet", rows, STREAMS)
    assert keys(Seeing(frames=FRAMES))["p1"] != base["p1"]


def test_a_person_who_is_not_there_is_zeros_and_a_note(folder):
    rows = read_table(folder / "tracks.parquet", STREAMS)
    clip = clips()[0]
    own = pl.col("clip_id") == clip.clip_id
    write_table(folder / "tracks.parquet", rows.filter(~own | (pl.col("frame") > 2) & (pl.col("track") == 1)), STREAMS)
    shows, said = Shows(Seeing(frames=FRAMES), folder, SHAPES), Recorded()
    one = shows.look(clip)
    assert one.missing == "person 2 in no frame"
    assert one.there["p1"].tolist() == [False] * 3 + [True] * 3
    found = shows.features(one, *said.encoders())
    assert not found["p1"][:3].any()
    assert found["p1"][3:].any((1, 2)).all()
    assert not found["p2"].any()
    write_table(folder / "tracks.parquet", rows.filter(~own), STREAMS)
    shows = Shows(Seeing(frames=4), folder, SHAPES)
    assert shows.look(clip).missing == "person 1 and 2 in no frame"
    assert not shows.features(shows.look(clip), *Recorded().encoders())["p1"].any()


def test_a_clip_of_three_frames_shows_some_of_them_twice(folder):
    clip = clips()[0]._replace(frames=3)
    shows = Shows(Seeing(frames=4), folder, SHAPES)
    rows = read_table(folder / "tracks.parquet", STREAMS).filter(pl.col("frame") < 3)
    write_table(folder / "tracks.parquet", rows, STREAMS)
    shows = Shows(Seeing(frames=4), folder, SHAPES)
    one = shows.look(clip)
    assert one.places == [0, 1, 1, 2]
    assert shows.features(one, *Recorded().encoders())["p1"].shape == (4, 5, 3)


def test_streams_that_do_not_fit_are_said(folder):
    all_clips = clips()
    with pytest.raises(InputError, match="the recipe sees streams, and the record has none"):
        Shows(Seeing(), None, SHAPES)
    with pytest.raises(InputError, match="of another data set"):
        Shows(Seeing(), folder, SHAPES).check([*all_clips, all_clips[0]._replace(clip_id="else")])
    rows = read_table(folder / "clips.parquet", STREAMED).to_dicts()
    rows[0] |= {"error": "it does not decode", "people": None, "why": None}
    write_table(folder / "clips.parquet", rows, STREAMED)
    shows = Shows(Seeing(frames=4), folder, SHAPES)
    assert shows.look(all_clips[0]).why == "its streams: it does not decode"
    assert "more than its 2 frames" in str(shows.look(all_clips[1]._replace(frames=2)).why)
    masks = np.ones((2, FRAMES, HEIGHT, WIDTH + 1), bool)
    tracks = read_table(folder / "tracks.parquet", STREAMS)
    larger = [row for row in tracks.to_dicts() if row["clip_id"] != all_clips[1].clip_id]
    write_table(folder / "tracks.parquet", [*larger, *track_rows(all_clips[1].clip_id, masks)], STREAMS)
    shows = Shows(Seeing(frames=4), folder, SHAPES)
    with Arrays("interact") as arrays:
        failed = keep(shows, [shows.look(clip) for clip in all_clips[:3]], arrays, Recorded().encoders)
    assert failed.keys() == {clip.clip_id for clip in all_clips[:2]}
    assert "the mask of track 1 does not fit" in failed[all_clips[1].clip_id]


def test_a_pose_model_gives_tokens_of_each_box(folder, tmp_path):
    write_models(Path("data/models"))
    pose = PoseEncoder(EncoderParams(backend="encoder", name="data/models/pose", revision=None), "cpu", batch=2)
    frames = np.random.default_rng(0).integers(0, 255, (5, HEIGHT, WIDTH, 3)).astype(np.uint8)
    boxes = np.array([[5, 5, 25, 40]] * 4 + [[30, 5, 50, 40]])
    tokens = pose(frames, boxes)
    assert tokens.shape == (5, pose.tokens, pose.width) == (5, 12, 16)
    assert np.allclose(tokens[:1], pose(frames[:1], boxes[:1]), atol=1e-6)
    assert not np.allclose(tokens[4], pose(frames[4:], boxes[:1])[0], atol=1e-3)
    assert pose(frames[:0], boxes[:0]).shape == (0, 12, 16)
    with pytest.raises(InputError, match="expected a vitpose"):
        PoseEncoder(EncoderParams(backend="encoder", name="data/models/embedded", revision=None), "cpu")


def test_training_looks_at_other_frames_in_each_epoch_and_at_test_at_all(folder):
    some = clips()[:3]
    shows = Shows(Seeing(frames=FRAMES), folder, SHAPES)
    seen = [shows.look(clip) for clip in some]
    with Arrays("interact") as arrays:
        keep(shows, seen, arrays, Recorded().encoders)
        source = Streamed(seen, arrays, torch.zeros(3, 1), hidden=0.5, seed=1)
        looks = [source.inputs([0, 1, 2], epoch, torch.device("cpu"))["seen"] for epoch in (None, 0, 0, 1)]
        alone = source.inputs([2], 1, torch.device("cpu"))["seen"]
        swapped = Streamed(seen, arrays, torch.zeros(3, 1), swapped=True).inputs([1], None, torch.device("cpu"))
        plain = source.inputs([1], None, torch.device("cpu"))
    assert looks[0]["p1"].all()
    assert torch.equal(looks[1]["p1"], looks[2]["p1"])
    assert not torch.equal(looks[1]["p1"], looks[3]["p1"])
    assert torch.equal(looks[3]["p1"], looks[3]["bg"])
    assert torch.equal(looks[3]["p1"][2:], alone["p1"])
    assert 0 < looks[1]["p1"].float().mean() < 1
    assert torch.equal(swapped["features"]["p1"], plain["features"]["p2"])
    assert torch.equal(swapped["features"]["p2"], plain["features"]["p1"])
    assert torch.equal(swapped["features"]["bg"], plain["features"]["bg"])
