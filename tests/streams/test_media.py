import numpy as np
import polars as pl
import pytest

from stages.base.errors import InputError
from stages.base.schema import STREAMS
from stages.base.tables import write_sorted
from stages.base.video.masks import box_of, from_runs, resized, run_lengths
from stages.base.video.streams import Streams, boxes_of, crops, masks_of, media

SHAPE = (12, 20)


def square(left, top, right, bottom):
    mask = np.zeros(SHAPE, bool)
    mask[top:bottom, left:right] = True
    return mask


def row(track, frame, mask, clip="one"):
    return {
        "clip_id": clip,
        "track": track,
        "frame": frame,
        "box": list(box_of(mask)),
        "mask": run_lengths(mask).tolist(),
        "score": 1.0,
    }


ONE, OTHER = square(0, 0, 5, 8), square(10, 4, 16, 12)
ROWS = [row(1, 0, ONE), row(1, 2, ONE), row(2, 0, OTHER), row(3, 0, square(18, 0, 20, 3))]


@pytest.fixture
def rows(tmp_path):
    more = [row(1, 0, OTHER, "other")]
    write_sorted(tmp_path / "tracks.parquet", [ROWS, more], STREAMS)
    return Streams(tmp_path)


def test_run_lengths_come_back_as_the_mask_they_are_of():
    for mask in (ONE, ~ONE, np.zeros(SHAPE, bool), np.ones(SHAPE, bool), np.arange(240).reshape(SHAPE) % 3 == 0):
        assert np.array_equal(from_runs(run_lengths(mask), SHAPE), mask)
    assert run_lengths(ONE)[0] == 0, "the first run counts pixels outside"
    with pytest.raises(ValueError, match="run lengths of 240 pixels, 12x21 are 252"):
        from_runs(run_lengths(ONE), (12, 21))
    with pytest.raises(ValueError, match="run lengths"):
        from_runs([300, -60], SHAPE)


def test_a_mask_in_another_size_covers_the_same_part():
    assert np.array_equal(resized(ONE, 24, 40), np.kron(ONE, np.ones((2, 2), bool)))
    assert box_of(resized(ONE, 6, 10)) == (0, 0, 3, 4), "half a pixel counts"


def test_media_are_person_1_person_2_and_what_is_neither(rows):
    frames = np.random.default_rng(0).integers(1, 256, (2, *SHAPE, 3), dtype=np.uint8)
    found = media(frames, rows.rows("one"), [0, 2])
    assert np.array_equal(found.first[0][ONE], frames[0][ONE])
    assert not found.first[0][~ONE].any()
    assert np.array_equal(found.second[0][OTHER], frames[0][OTHER])
    assert not found.second[1].any(), "person 2 is not seen in frame 2"
    assert np.array_equal(found.rest[0] == 0, np.repeat((ONE | OTHER)[..., None], 3, 2)), "others are background"
    total = sum(part.astype(int) for part in found)
    assert np.array_equal(total, frames), "each pixel is in one of the three"


def test_what_is_masked_out_may_be_the_mean_colour(rows):
    frames = np.full((1, *SHAPE, 3), (10, 20, 30), np.uint8)
    frames[0, ONE] = (250, 20, 30)
    mean = frames.reshape(-1, 3).mean(0).round()
    assert np.array_equal(media(frames, rows.rows("one"), [0], "mean").first[0][~ONE], np.tile(mean, ((~ONE).sum(), 1)))


def test_masks_of_another_size_than_the_clip_are_refused(rows):
    frames = np.zeros((1, 24, 40, 3), np.uint8)
    with pytest.raises(InputError, match=r"row one, key 0: the mask of track 1 does not fit.*24x40 are 960"):
        media(frames, rows.rows("one"), [0])
    with pytest.raises(ValueError, match="1 frames and 2 places"):
        media(frames, rows.rows("one"), [0, 1])


def test_a_clip_is_read_alone_and_one_without_people_has_no_rows(rows):
    assert rows.rows("other")["clip_id"].unique().to_list() == ["other"]
    assert rows.rows("one").height == len(ROWS)
    assert "nobody" not in rows
    nobody = rows.rows("nobody")
    assert nobody.schema == rows.rows("one").schema
    assert not masks_of(nobody, 1, [0, 1], *SHAPE).any()
    assert boxes_of(nobody, 1, [0, 1]).tolist() == [[0] * 4] * 2


def test_no_table_and_another_table_are_errors(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Streams(tmp_path)
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "tracks.parquet")
    with pytest.raises(InputError, match="written by another version"):
        Streams(tmp_path)


def test_rows_out_of_order_are_a_bug(tmp_path):
    with pytest.raises(ValueError, match="comes after"):
        write_sorted(tmp_path / "t.parquet", [[ROWS[1]], [ROWS[0]]], STREAMS)


def test_boxes_and_crops(rows):
    boxes = boxes_of(rows.rows("one"), 2, [0, 2])
    assert boxes.tolist() == [[10, 4, 16, 12], [0, 0, 0, 0]]
    frames = np.zeros((2, *SHAPE, 3), np.uint8)
    frames[:, OTHER] = 200
    found = crops(frames, boxes, (32, 24), margin=0.0)
    assert found.shape == (2, 32, 24, 3)
    assert (found[0] > 100).mean() > 0.9, "the box fills the crop, whose shape it has"
    assert not found[1].any()
    wider = crops(frames, boxes, (32, 24), margin=0.5)
    assert (wider[0] > 100).mean() == pytest.approx(0.25, abs=0.08), "a margin of half its height on each side"
