import numpy as np
import polars as pl

from stages.base.schema import MANIFEST, STREAMS
from stages.base.tables import read_table, write_sorted, write_table
from stages.streams.pair import choose
from stages.video.overlay import COLOURS, OTHERS, of_classes, overlay
from stages.video.streams import Streams
from tests.streams.drawn import clip, drawn, rows_of, stands, walks


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


def test_a_picture_a_class_is_of_a_clip_in_which_both_are_seen_in_the_middle(tmp_path):
    alone, one = drawn([stands(50)], 5)
    both, two = drawn([walks(50, 1), stands(150)], 5)
    rows, manifest = [], []
    for name, images, truth, label in (
        ("a", alone, one, "Hug"),
        ("b", both, two, "Hug"),
        ("c", alone, one, "Point"),
        ("d", alone, one, "Push"),
    ):
        made = clip(tmp_path, images, name)
        manifest.append({**made._asdict(), "labels": [label], "error": "broken" if name == "d" else None})
        found = rows_of(truth)
        number = choose(found, 5).number
        rows += [
            {"clip_id": name, **each._asdict(), "track": number(each.track), "box": list(each.box)} for each in found
        ]
    write_sorted(tmp_path / "tracks.parquet", [rows], STREAMS)
    write_table(tmp_path / "manifest.parquet", manifest, MANIFEST)
    table: pl.DataFrame = read_table(tmp_path / "manifest.parquet", MANIFEST)
    shown = list(of_classes(table, Streams(tmp_path), {"a": None}, side=100))
    assert [(each.label, each.clip_id, each.frame) for each in shown] == [("Hug", "b", 2), ("Point", "c", 2)]
    assert shown[0].image.shape == (60, 100, 3)
    assert [each.clip_id for each in of_classes(table, Streams(tmp_path), {"b": "gone"}, 100)] == ["a", "c"]
