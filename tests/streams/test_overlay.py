import numpy as np

from stages.base.schema import STREAMS
from stages.base.tables import write_sorted
from stages.base.video.overlay import COLOURS, OTHERS, overlay
from stages.base.video.streams import Streams
from stages.streams.pair import choose
from tests.streams.drawn import drawn, rows_of, stands


def test_people_are_tinted_and_boxed_and_the_rest_is_left(tmp_path):
    frames, truth = drawn([stands(50), stands(120), stands(190)], 3, size=(240, 120))
    found = rows_of(truth)
    choice = choose(found, 3)
    rows = [{"clip_id": "a", **one._asdict(), "track": choice.number(one.track), "box": list(one.box)} for one in found]
    write_sorted(tmp_path / "tracks.parquet", [rows], STREAMS)
    streams = Streams(tmp_path)
    shown = overlay(frames[1], streams.rows("a"), 1)
    for track, colour in [*COLOURS.items(), (3, OTHERS)]:
        mask = truth[choice.order[track - 1], 1]
        ys, xs = mask.nonzero()
        assert tuple(shown[ys.min(), xs.min()]) == colour, "a corner is the box's"
        middle = int(ys.mean()), int(xs.mean())
        assert np.array_equal(shown[middle], (frames[1][middle].astype(int) + colour) // 2)
    box = np.zeros(truth.shape[2:], bool)
    for mask in truth[:, 1]:
        ys, xs = mask.nonzero()
        box[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1] = True
    assert np.array_equal(shown[~box], frames[1][~box])
    assert overlay(frames[1], streams.rows("a"), 1, side=120).shape == (60, 120, 3)
