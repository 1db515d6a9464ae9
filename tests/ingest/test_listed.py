"""Data sets whose labels are in published lists: manifest, parts and subsets, without their videos and with them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stages.base.paths import Run
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import read_table
from stages.base.video.decode import read_frames
from stages.simulate.render import encode
from tests.annotated import small
from tests.stage import workplace  # noqa: F401

TESTS = ("seen_subjects", "unseen_subjects", "tail_verbs", "tail_nouns", "tail_any", "tail_both", "new_pairs")


def values(adapter: str = "epic_kitchens", **changed) -> dict:
    block = {
        "adapter": adapter,
        "licensed": False,
        "protocols": {"given": {"validation": False}},
        "subsets": {name: {"of": "given", "tests": name} for name in TESTS},
        "accept_leaks": [],
    }
    return {"ingest": {"kitchen": {**block, **changed}}}


def parts(protocol: str, part: str = "test") -> list[str]:
    table = read_table(Run("kitchen").splits, SPLITS)
    return table.filter((pl.col("protocol") == protocol) & (pl.col("part") == part))["clip_id"].to_list()


def test_a_manifest_without_videos_has_narrations_verbs_and_nouns(workplace):  # noqa: F811
    small.write(workplace.folder / "data/lists")
    assert workplace.run("ingest", "kitchen", "data/lists", values=values()) == ""
    manifest = read_table(Run("kitchen").manifest, MANIFEST)
    assert len(manifest) == len(small.TRAIN) + len(small.TEST)
    row = manifest.row(by_predicate=pl.col("clip_id") == "P02_101_5", named=True)
    assert (row["narration"], row["verb"], row["noun"]) == ("put knife on chopping board", "put", "knife")
    assert (row["labels"], row["subject"], row["group"]) == (["put knife"], "P02", "P02_101")
    assert (row["start"], row["end"], row["fps"], row["frames"], row["path"]) == (1.5, 3.0, 50.0, 75, None)
    assert manifest["error"].null_count() == len(manifest)


def test_subsets_are_of_tests_and_keep_what_trains(workplace):  # noqa: F811
    small.write(workplace.folder / "data/lists")
    assert workplace.run("ingest", "kitchen", "data/lists", values=values()) == ""
    wanted = {
        "given": ["P01_11_0", "P01_11_1", "P01_11_2", "P18_01_3", "P18_01_4"],
        "seen_subjects": ["P01_11_0", "P01_11_1", "P01_11_2"],
        "unseen_subjects": ["P18_01_3", "P18_01_4"],
        "tail_verbs": ["P01_11_2", "P18_01_3", "P18_01_4"],
        "tail_nouns": ["P01_11_1", "P01_11_2", "P18_01_4"],
        "tail_any": ["P01_11_1", "P01_11_2", "P18_01_3", "P18_01_4"],
        "tail_both": ["P01_11_2", "P18_01_4"],
        # take tap, turn-on plate: all of them train, but not together; cut and oil never train.
        "new_pairs": ["P01_11_1", "P18_01_3"],
    }
    assert {name: parts(name) for name in wanted} == wanted
    assert all(len(parts(name, "train")) == len(small.TRAIN) for name in wanted)


def test_a_published_list_next_to_subsets(workplace):  # noqa: F811
    small.write(workplace.folder / "data/lists")
    (workplace.folder / "own.json").write_text('["P18_01_3", "P01_11_0"]')
    own = {"own": {"test": "own.json", "of": "given"}}
    assert workplace.run("ingest", "kitchen", "data/lists", values=values(published=own)) == ""
    assert parts("own") == ["P01_11_0", "P18_01_3"]
    assert parts("unseen_subjects") == ["P18_01_3", "P18_01_4"]


def test_segments_of_videos_are_windows_of_them(workplace):  # noqa: F811
    small.write(workplace.folder / "data/lists")
    for name, seconds, rate in (("P01_01", 4, 10), ("P02_101", 6, 10), ("P01_11", 2, 10), ("P18_01", 1, 10)):
        pictures = np.zeros((seconds * rate, 32, 48, 3), np.uint8)
        pictures[:] = (np.arange(seconds * rate) * 4)[:, None, None, None]
        path = workplace.folder / f"data/videos/{name.split('_')[0]}/{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        encode(pictures, float(rate), path)
    (workplace.folder / "data/videos/P02/P02_101.mp4").write_bytes(b"no video")
    given = values(videos="data/videos", subsets={})
    assert workplace.run("ingest", "kitchen", "data/lists", values=given) == ""
    manifest = read_table(Run("kitchen").manifest, MANIFEST)
    rows = {row["clip_id"]: row for row in manifest.iter_rows(named=True)}
    taken = rows["P01_01_1"]
    assert taken["path"] == "data/videos/P01/P01_01.mp4#t=1,2"
    assert (taken["frames"], taken["fps"], taken["error"]) == (10, 10.0, None)
    frames, _ = read_frames(taken["path"])
    assert frames.shape == (10, 32, 48, 3)
    assert abs(int(frames[0].mean()) - 40) < 4  # frame 10 of the video
    assert "ends at 2.5 s, its video at 1 s" in rows["P18_01_4"]["error"]
    assert rows["P18_01_4"]["narration"] == "cut oil"
    assert rows["P02_101_5"]["error"] is not None
    first = Run("kitchen").manifest.read_bytes()
    assert workplace.run("ingest", "kitchen", "data/lists", values=given) == ""
    assert Run("kitchen").manifest.read_bytes() == first
    (workplace.folder / "data/videos/P18/P18_01.mp4").unlink()
    assert workplace.run("ingest", "kitchen", "data/lists", values=given) == ""
    rows = {row["clip_id"]: row for row in read_table(Run("kitchen").manifest, MANIFEST).iter_rows(named=True)}
    assert "no video of it in data/videos" in rows["P18_01_3"]["error"]


def something(folder: Path, **changed) -> None:
    """Write SSV2's lists as they are published, or Something-Else's."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = {"Putting something on something": "0", "Moving something up": "1"}
    rows = {
        "train": [
            {
                "id": "78687",
                "label": "putting box on table",
                "template": "Putting [something] on [something]",
                "placeholders": ["box", "table"],
            },
            {"id": "42326", "label": "moving pen up", "template": "Moving [something] up", "new_placeholdes": ["pen"]},
        ],
        "validation": [
            {"id": "74225", "label": "moving cup up", "template": "Moving [something] up", "placeholders": ["cup"]}
        ],
    }
    for name, value in {"labels": labels, **rows, **changed}.items():
        (folder / f"something-something-v2-{name}.json").write_text(json.dumps(value))


def test_something_something_and_something_else(workplace):  # noqa: F811
    folder = workplace.folder / "data/lists"
    something(folder)
    given = values("something", subsets={})
    assert workplace.run("ingest", "kitchen", "data/lists", values=given) == ""
    manifest = read_table(Run("kitchen").manifest, MANIFEST)
    assert manifest["clip_id"].to_list() == ["42326", "74225", "78687"]
    assert manifest["labels"].to_list() == [
        ["Moving something up"],
        ["Moving something up"],
        ["Putting something on something"],
    ]
    assert manifest["narration"].to_list() == ["moving pen up", "moving cup up", "putting box on table"]
    assert (parts("given", "train"), parts("given")) == (["42326", "78687"], ["74225"])
    audit = (Run("kitchen").metrics / "audit.json").read_text()
    assert "3 objects in train, 1 in validation, 0 in both" in audit
    (workplace.folder / "data/videos").mkdir()
    encode(np.zeros((8, 32, 48, 3), np.uint8), 12.0, workplace.folder / "data/videos/74225.webm")
    assert (
        workplace.run("ingest", "kitchen", "data/lists", values=values("something", subsets={}, videos="data/videos"))
        == ""
    )
    row = read_table(Run("kitchen").manifest, MANIFEST).row(by_predicate=pl.col("clip_id") == "74225", named=True)
    assert (row["path"], row["frames"], row["fps"], row["error"]) == ("data/videos/74225.webm", 8, 12.0, None)
    assert "the clip has no verb or no noun" in workplace.run(
        "ingest", "kitchen", "data/lists", values=values("something")
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"labels": {"Moving something up": "0", "Putting something on something": "2"}}, "not 0, 1, 2"),
        ({"labels": {"Moving something up": "0"}}, "is not in the class list"),
        ({"validation": [{"id": "1", "template": "Moving [something] up"}]}, "row 0, key 'label': no text here"),
        ({"validation": {"id": "1"}}, "expected a list"),
        (
            {"train": [{"id": "1", "label": "a", "template": "Moving [something] up", "placeholders": "pen"}]},
            "no list of texts",
        ),
    ],
)
def test_lists_that_are_wrong(workplace, changed, said):  # noqa: F811
    something(workplace.folder / "data/lists", **changed)
    assert said in workplace.run("ingest", "kitchen", "data/lists", values=values("something", subsets={}))


def test_params_that_do_not_fit_lists(workplace):  # noqa: F811
    small.write(workplace.folder / "data/lists")
    window = {"length": 2, "overlap": 0, "share": 0, "annotations": "a.csv", "unit": "seconds"}
    given = values(windows=window, labels="multi")
    assert "lists say which clips" in workplace.run("ingest", "kitchen", "data/lists", values=given)
    both = {"x": {"of": "given", "tests": "tail_any", "classes": ["take plate"]}}
    assert "one of the two" in workplace.run("ingest", "kitchen", "data/lists", values=values(subsets=both))
    none = {"x": {"of": "given"}}
    assert "one of the two" in workplace.run("ingest", "kitchen", "data/lists", values=values(subsets=none))
    folders = values("folders", subsets={})
    (workplace.folder / "data/lists/walk").mkdir()
    encode(np.zeros((8, 32, 48, 3), np.uint8), 12.0, workplace.folder / "data/lists/walk/a.mp4")
    assert "tell no part" in workplace.run("ingest", "kitchen", "data/lists", values=folders)
