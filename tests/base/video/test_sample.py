import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.base.errors import InputError
from stages.base.video.sample import (
    decoded,
    dense_indices,
    encoded,
    sample,
    segment_indices,
    shrunk,
    uniform_indices,
)
from tests.base.video.clips import noise, write_clip


@given(st.integers(1, 1000), st.integers(1, 64))
def test_uniform_places_are_in_order_within_the_clip_and_distinct_where_there_are_enough(frames, count):
    places = uniform_indices(frames, count)
    assert len(places) == count
    assert places == sorted(places)
    assert places[0] >= 0
    assert places[-1] < frames
    assert len(set(places)) == min(count, frames) or frames < count
    middles = [(part + 0.5) * frames / count for part in range(count)]
    assert all(0 <= middle - place < 1 for place, middle in zip(places, middles, strict=True))


def test_a_sample_is_spread_over_the_clip(tmp_path):
    frames = noise(10)
    path = write_clip(tmp_path / "clip.mov", frames)
    images, times = sample(path, 2)
    assert np.array_equal(images, frames[[2, 7]])
    assert times.tolist() == [0.2, 0.7]
    assert sample(path, 3, side=32, frames=10)[0].shape == (3, 24, 32, 3)
    with pytest.raises(InputError, match="has 10 frames"):
        sample(path, 2, frames=40)


def test_images_only_shrink():
    image = noise(1, 90, 160)[0]
    assert shrunk(image, None) is image
    assert shrunk(image, 160) is image
    assert shrunk(image, 80).shape == (45, 80, 3)
    assert shrunk(np.ascontiguousarray(image.transpose(1, 0, 2)), 80).shape == (80, 45, 3)
    assert np.array_equal(shrunk(np.full((40, 60, 3), 77, np.uint8), 20), np.full((13, 20, 3), 77, np.uint8))


def test_png_keeps_every_pixel_and_jpeg_is_what_katnas_writer_writes(tmp_path):
    image = noise(1)[0]
    assert np.array_equal(np.asarray(decoded(encoded(image, "png", 1))), image)
    cv2.imwrite(str(tmp_path / "katna.jpeg"), image[..., ::-1])
    assert encoded(image, "jpeg", 95) == (tmp_path / "katna.jpeg").read_bytes()
    assert len(encoded(image, "jpeg", 30)) < len(encoded(image, "jpeg", 95))
    assert decoded(encoded(image, "jpeg", 95)).mode == "RGB"


@given(st.integers(1, 400), st.integers(1, 40))
def test_segments_give_one_place_each_in_order_over_the_whole_clip(frames, count):
    step = (frames - 1) / count
    for rng in (None, np.random.default_rng(0)):
        found = segment_indices(frames, count, rng)
        assert len(found) == count
        for part, place in enumerate(found):
            assert round(step * part) <= place <= round(step * (part + 1))
    middles = [(round(step * part) + round(step * (part + 1))) // 2 for part in range(count)]
    assert segment_indices(frames, count, None) == middles


def test_segments_reach_their_first_and_last_frame_in_training():
    drawn = np.array([segment_indices(33, 16, np.random.default_rng(seed)) for seed in range(300)])
    assert [sorted(set(column)) for column in drawn.T.tolist()] == [[2 * i, 2 * i + 1, 2 * i + 2] for i in range(16)]


def test_dense_places_have_the_stride_and_a_start_anywhere_in_training_about_the_middle_in_tests():
    starts = {dense_indices(70, 32, 2, np.random.default_rng(seed))[0] for seed in range(300)}
    assert starts == set(range(7))
    assert dense_indices(70, 32, 2, None) == list(range(3, 67, 2))
    assert [dense_indices(length, 32, 2, None)[0] for length in (64, 65, 66, 67, 164)] == [0, 1, 1, 2, 50]
    # A clip that is too short begins at its first frame and repeats its last, in training too.
    for rng in (None, np.random.default_rng(0)):
        assert dense_indices(9, 8, 2, rng) == [0, 2, 4, 6, 8, 8, 8, 8]
        assert dense_indices(1, 4, 2, rng) == [0, 0, 0, 0]
