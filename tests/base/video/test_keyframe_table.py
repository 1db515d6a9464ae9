import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.base.errors import InputError
from stages.base.schema import KEYFRAMES
from stages.base.tables import write_json, write_table
from stages.base.video.keyframe_table import (
    CLIPS_PER_SHARD,
    INDEX,
    read_shards,
    shard_name,
    shard_of,
    shards_for,
)
from stages.base.video.sample import encoded
from tests.base.video.clips import noise


def write(folder, clips, shards):
    image = {"bytes": encoded(noise(1)[0], "jpeg", 95), "path": None}
    for shard in range(shards):
        rows = [
            {"clip_id": clip, "rank": rank, "frame": 5 * rank, "time": 0.2 * rank, "image": image}
            for clip in clips
            if shard_of(clip, shards) == shard
            for rank in range(2)
        ]
        write_table(folder / shard_name(shard), rows, KEYFRAMES)
    write_json(folder / INDEX, {"shards": {shard_name(shard): 0 for shard in range(shards)}})


@given(st.integers(1, 10**6))
def test_shards_follow_the_number_of_clips_by_powers_of_two(clips):
    shards = shards_for(clips)
    assert shards & (shards - 1) == 0
    assert clips <= shards * CLIPS_PER_SHARD
    assert shards == 1 or clips > shards // 2 * CLIPS_PER_SHARD


@given(st.text(max_size=40), st.integers(0, 12))
def test_when_the_number_doubles_a_shard_splits_in_two(clip_id, power):
    assert shard_of(clip_id, 2 << power) % (1 << power) == shard_of(clip_id, 1 << power)


def test_shards_are_filled_evenly():
    sizes = [0] * 64
    for clip in range(16115):
        sizes[shard_of(f"Walk_p{clip % 18:02d}_r{clip}_v01_c01", 64)] += 1
    assert min(sizes) > 180
    assert max(sizes) < 330


def test_clips_are_read_as_asked(tmp_path):
    clips = [f"clip{number}" for number in range(9)]
    write(tmp_path, clips, 4)
    shards = read_shards(tmp_path)
    assert sorted(shards.clip_ids()) == clips
    read = dict(shards.frames_of(["clip8", "clip0"]))
    assert list(read) == ["clip8", "clip0"]
    assert [(frame.rank, frame.frame, frame.time) for frame in read["clip8"]] == [(0, 0, 0.0), (1, 5, 0.2)]
    assert read["clip0"][1].picture().size == (64, 48)


def test_what_is_missing_or_damaged_is_named(tmp_path):
    with pytest.raises(InputError, match=r"index\.json: no such file"):
        read_shards(tmp_path)
    write(tmp_path, ["a", "b"], 1)
    with pytest.raises(InputError, match="row c: the clip has no keyframes"):
        list(read_shards(tmp_path).frames_of(["a", "c"]))
    (tmp_path / shard_name(0)).write_bytes(b"PAR1 cut short")
    with pytest.raises(InputError, match=r"part-0000\.parquet: damaged"):
        list(read_shards(tmp_path).frames_of(["a"]))
    (tmp_path / shard_name(0)).unlink()
    with pytest.raises(InputError, match=r"part-0000\.parquet: the shard is missing"):
        list(read_shards(tmp_path).frames_of(["a"]))
