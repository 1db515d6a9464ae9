"""The classes at a glance: which clip stands for a class, and what is said under it."""

import base64
import io

import polars as pl
import pytest
from PIL import Image

from stages.base import schema
from stages.base.paths import Run
from stages.base.tables import read_table, write_table
from stages.report.glance import pictures
from stages.report.inputs import load
from stages.report.render import page
from tests.class_list import write_class_list
from tests.report import small

RUN = Run("small")


@pytest.fixture(autouse=True)
def _run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small.write(RUN)


def inputs():
    return load(RUN, None)


def keyframe(clip, rank, shade):
    stream = io.BytesIO()
    Image.new("RGB", (32, 24), (shade, shade, shade)).save(stream, "PNG")
    image = {"bytes": stream.getvalue(), "path": None}
    return {"clip_id": clip, "rank": rank, "frame": rank, "time": float(rank), "image": image}


def relabel(labels, kind):
    manifest = read_table(RUN.manifest, schema.MANIFEST).to_dicts()
    rows = [{**row, "labels": labels.get(row["clip_id"], row["labels"])} for row in manifest]
    write_table(RUN.manifest, rows, schema.MANIFEST)
    write_class_list(RUN, kind)


def test_each_class_has_one_picture_with_its_words_in_the_order_of_the_classes():
    found = pictures(inputs(), 64)
    assert [(one.label, one.words) for one in found] == [
        ("Drink_Fromcup", "drinking from a cup"),
        ("Walk", "walking"),
        ("WatchTV", "watching television"),
    ]
    assert all(one.clip.startswith(f"{one.label}_p") and one.others == [] for one in found)
    text = page(inputs(), small.params(), small.rules())
    assert text.count("<figure") == 3
    assert "<figure" not in page(inputs(), small.params(), small.rules(licensed=True))


def test_it_is_the_middle_keyframe():
    clip = small.SMALL.clips[0]
    relabel({other: ["Walk"] for other in small.SMALL.clips[1:4]}, "single")
    frames = [keyframe(clip, rank, shade) for rank, shade in enumerate((0, 200, 90))]
    write_table(RUN.keyframes / "0.parquet", frames, schema.KEYFRAMES)
    (found,) = pictures(inputs(), 64)
    assert found.clip == clip
    with Image.open(io.BytesIO(base64.b64decode(found.image.partition(",")[2]))) as image:
        assert abs(image.convert("RGB").getpixel((5, 5))[0] - 200) < 4


def test_a_clip_of_several_labels_says_which_and_one_of_none_is_shown_too():
    drink, walk = small.SMALL.clips[:4], small.SMALL.clips[4:8]
    relabel({**{clip: ["Drink_Fromcup", "Walk"] for clip in drink}, walk[0]: []}, "multi")
    found = {one.label: one for one in pictures(inputs(), 64)}
    assert list(found) == ["Drink_Fromcup", "Walk", "WatchTV", ""]
    assert (found["Drink_Fromcup"].words, found["Drink_Fromcup"].others) == ("drinking from a cup", ["walking"])
    assert found["Walk"].others == []  # a clip that shows nothing else goes first
    assert (found[""].clip, found[""].words) == (walk[0], "none of the classes")
    assert "<b>none of the classes</b>" in page(inputs(), small.params(), small.rules())


def test_a_class_without_a_keyframe_is_left_out():
    kept = pl.read_parquet(RUN.keyframes / "0.parquet").filter(~pl.col("clip_id").str.starts_with("Walk"))
    write_table(RUN.keyframes / "0.parquet", kept, schema.KEYFRAMES)
    assert [one.label for one in pictures(inputs(), 64)] == ["Drink_Fromcup", "WatchTV"]
