"""Trained models on controls: rows that a page can show, right where the answer is known beforehand."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stages.base.paths import Run
from stages.base.video.controls import CONTROLS
from stages.controls.clips import controlled, kept, read_truths
from stages.controls.questions import NONE
from stages.learn.data import read_task
from stages.learn.frames import Store
from stages.learn.params import Pixels
from tests.class_list import write_class_list
from tests.stage import workplace  # noqa: F401
from tests.train.small import CLASSES, params, prepare, values

PIXELS = Pixels(frames=4, size=(48, 32), kept=4, kept_size=(48, 32))
BLOCK = {
    "frozen": {},
    "seed": 0,
    "everywhere": ["without_person", "mean_colour"],
    "pairs": [["Enter", "Walk"]],
    "in_pairs": ["one_frame", "shuffled", "reversed"],
}
CELL = ("home", "swin3d_cs", "swin3d", "cs")
SCORE = {"confidence": 0.95, "assumed_icc": 0.1}


@pytest.fixture
def place(workplace, tmp_path_factory, monkeypatch):  # noqa: F811
    # A stage holds torch's arithmetic before it imports torch; in this process torch is there already.
    for room in ("train", "controls"):
        monkeypatch.setattr(f"stages.{room}.__main__.hold_arithmetic", lambda: None)
    prepare(workplace, tmp_path_factory)
    return workplace


def given(**changed):
    return {**values({"swin3d": params()}), "controls": {"home": {**BLOCK, **changed}}, "score": {"home": SCORE}}


def test_rows_of_a_trained_model(place):
    assert place.run("train", *CELL, values=given()) == ""
    assert place.run("controls", *CELL, values=given()) == ""
    path = Path("metrics/home/controls.csv")
    rows = pl.read_csv(path)
    assert rows.columns == ["method", "control", "classes", "mca", "low", "high", "chance", "clips", "subjects"]
    assert rows["control"].to_list() == [
        "none",
        "without_person",
        "mean_colour",
        "none",
        "one_frame",
        "shuffled",
        "reversed",
    ]
    assert rows["classes"].to_list() == ["all"] * 3 + ["Enter or Walk"] * 4
    assert rows["chance"].to_list() == pytest.approx([1 / 3] * 3 + [0.5] * 4)
    assert ((rows["low"] <= rows["mca"]) & (rows["mca"] <= rows["high"])).all()
    # As they are, clips are answered as the stage train answered them.
    predicted = pl.read_parquet(Run("home").predictions("swin3d_cs"))
    right = [labels[0] == clip.split("_p")[0] for clip, labels in predicted.select("clip_id", "labels").iter_rows()]
    by_class = pl.DataFrame({"class": [clip.split("_p")[0] for clip in predicted["clip_id"]], "right": right})
    assert rows["mca"][0] == pytest.approx(by_class.group_by("class").agg(pl.col("right").mean())["right"].mean())
    first = path.read_bytes()
    assert place.run("controls", *CELL, values=given()) == ""
    assert path.read_bytes() == first


def test_a_clip_as_it_is_has_the_frames_that_training_kept(place):
    task = read_task(Run("home"), "cs")
    clips = task.folds[0].test[:2]
    store = Store(PIXELS)
    store.keep(clips, 1)
    truths = read_truths(Path("data/home/truth.parquet"), clips)
    asked = [(clip, [NONE, *CONTROLS]) for clip in clips]
    for clip, made in controlled(asked, truths, partial(kept, PIXELS), 0, 1):
        assert np.array_equal(made[NONE], store.get(clip))
        assert made["reversed"].shape == made[NONE].shape == store.shape(clip)
        assert not np.array_equal(made["reversed"], made[NONE])
        assert len(np.unique(made["mean_colour"].reshape(-1, 3), axis=0)) == 1
        assert all(np.array_equal(frame, made["one_frame"][0]) for frame in made["one_frame"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"pairs": [["Enter", "Fly"]]}, "no such class: Fly"),
        ({"everywhere": ["backwards"]}, "no such control"),
        ({"trained": ["swin3d_cs"]}, "controls.home.trained"),
        ({}, "run the stage train"),
    ],
)
def test_what_is_wrong_is_said(place, changed, said):
    assert said in place.run("controls", *CELL, values=given(**changed))
    assert read_task(Run("home"), "cs").classes == CLASSES


def test_a_recipe_or_a_protocol_that_is_none_is_named(place):
    told = place.run("controls", "home", "swin3d_cs", "other", "cs", values=given())
    assert "key 'recipes.other': no such param" in told
    told = place.run("controls", "home", "swin3d_cs", "swin3d", "cv9", values=given())
    assert "no such protocol" in told


def test_clips_of_several_labels_are_none_of_its(place):
    write_class_list(Run("home"), "multi")
    assert "controls are for data sets of one label a clip" in place.run("controls", *CELL, values=given())


def test_real_clips_have_no_truth(place):
    assert place.run("train", *CELL, values=given()) == ""
    Path("data/home/truth.parquet").unlink()
    assert "controls need rendered clips" in place.run("controls", *CELL, values=given())
