"""Arrays beside a journal: read as they were put, by whoever comes later, and never as a disk changed them."""

import numpy as np
import pytest

from stages.base.journal.arrays import Arrays


@pytest.fixture(autouse=True)
def journal(tmp_path, monkeypatch):
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path))
    return tmp_path


def array(seed: int, *shape: int, dtype=np.float16) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def test_arrays_come_back_of_every_shape_and_kind():
    given = {"a": array(0, 3, 4, 5), "b": array(1, 7, dtype=np.float32), "c": array(2, 0, 4), "d": array(3, 2, 2)}
    with Arrays("room") as arrays:
        for key, value in given.items():
            assert key not in arrays
            arrays.put(key, value)
            assert np.array_equal(arrays[key], value)
    with Arrays("room") as arrays:
        for key, value in given.items():
            assert key in arrays
            found = arrays[key]
            assert (found.dtype, found.shape) == (value.dtype, value.shape)
            assert np.array_equal(found, value)
        assert "e" not in arrays


def test_what_a_disk_changed_or_lost_is_not_there_and_is_put_again(journal):
    with Arrays("room") as arrays:
        for key in ("a", "b"):
            arrays.put(key, array(0, 100))
    (segment,) = (journal / "room").glob("*.bin")
    data = bytearray(segment.read_bytes())
    data[5] ^= 1
    segment.write_bytes(data)
    with Arrays("room") as arrays:
        assert "a" not in arrays
        assert "b" in arrays
        arrays.put("a", array(1, 100))
        assert np.array_equal(arrays["a"], array(1, 100))
    segment.write_bytes(data[:150])
    with Arrays("room") as arrays:
        assert "b" not in arrays


def test_put_again_the_whole_one_is_found_whichever_segment_is_read_last(journal):
    for turn in range(6):
        with Arrays("room") as arrays:
            arrays.put("a", array(turn, 100))
        broken = sorted((journal / "room").glob("*.bin"), key=lambda path: path.stat().st_mtime_ns)
        for path in broken[:-1]:
            path.write_bytes(b"\0" * path.stat().st_size)
        with Arrays("room") as arrays:
            assert "a" in arrays
            assert np.array_equal(arrays["a"], array(turn, 100))
