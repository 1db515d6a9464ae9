"""A linear classifier on the vision of a model of random weights, as the stage's command line runs it."""

import csv

import polars as pl
import pytest
import torch

from stages.base.paths import Run
from stages.pretrain.blank import blank
from stages.pretrain.make import save
from stages.simulate.make import make as render
from stages.simulate.params import Scene
from tests.stage import workplace
from tests.tiny_embedded import TINY
from tests.train.small import params

__all__ = ["workplace"]  # a fixture

CLASSES = ["Getup", "Sitdown", "Walk"]
FROZEN = {"model": "data/models/tiny", "protocol": "cs", "frames": 3}
BLOCK = {
    "frozen": {"tiny_cs": FROZEN},
    "seed": 0,
    "everywhere": ["without_person", "mean_colour"],
    "pairs": [["Sitdown", "Getup"]],
    "in_pairs": ["one_frame", "shuffled", "reversed"],
}
CELL = ("home", "swin3d_cs", "swin3d", "cs")
INGEST = {
    "adapter": "smarthome",
    "licensed": False,
    "accept_leaks": [],
    "protocols": {"cs": {"validation": False}},
}


def values(**changes):
    return {
        "ingest": {"home": INGEST},
        "controls": {"home": BLOCK | changes},
        "score": {"home": {"confidence": 0.95, "assumed_icc": 0.1}},
        "recipes": {"swin3d": params()},
    }


def frozen(**changes):
    return values(frozen={"tiny_cs": FROZEN | changes})


@pytest.fixture
def scene(workplace, monkeypatch):
    # A stage holds torch's arithmetic before it imports torch; in this process torch is there already.
    for room in ("train", "controls"):
        monkeypatch.setattr(f"stages.{room}.__main__.hold_arithmetic", lambda: None)
    scene = Scene(
        seed=1,
        clips=24,
        fps=4,
        size=(64, 48),
        seconds=(1, 1.5),
        subjects=[2, 3, 4, 10],
        cameras=[1, 2],
        rooms=2,
        activities=CLASSES,
        style="home",
    )
    render(scene, Run("home"), 1, lambda _: None)
    torch.manual_seed(0)
    save(blank(TINY, ["a person walks"]), workplace.folder / "data/models/tiny")
    assert workplace.run("ingest", "home", "data/home/clips", values=values()) == ""
    return workplace


def test_each_control_is_asked_of_its_classes_and_twice_alike(scene):
    assert scene.run("train", *CELL, values=values()) == ""
    assert scene.run("controls", *CELL, values=values()) == ""
    path = scene.folder / "metrics/home/controls.csv"
    rows = list(csv.DictReader(path.open()))
    methods = [row["method"] for row in rows]
    assert methods == ["tiny_cs"] * 6 + ["swin3d_cs"] * 7  # the record's own method comes last
    rows = rows[:6]
    asked = [(row["control"], row["classes"]) for row in rows]
    pair = "Sitdown or Getup"
    assert asked == [
        ("none", "all"),
        ("without_person", "all"),
        ("mean_colour", "all"),
        ("none", pair),
        ("one_frame", pair),
        ("shuffled", pair),
    ]
    # It learns from what it is shown: frames in the opposite order are as good as any.
    test = pl.read_parquet(Run("home").splits).filter(pl.col("part") == "test")
    assert [int(row["clips"]) for row in rows[:3]] == [len(test)] * 3
    assert [round(float(row["chance"]), 3) for row in rows] == [0.333] * 3 + [0.5] * 3
    assert all(float(row["low"]) <= float(row["mca"]) <= float(row["high"]) for row in rows)
    first = path.read_bytes()
    assert scene.run("controls", *CELL, values=values()) == ""
    assert path.read_bytes() == first


def test_what_is_not_there_is_named(scene):
    assert "no such protocol" in scene.run("controls", *CELL, values=frozen(protocol="cv1"))
    assert "Fly" in scene.run("controls", *CELL, values=values(pairs=[["Walk", "Fly"]]))
    assert "pretrain" in scene.run("controls", *CELL, values=frozen(model="data/models/none"))
    (scene.folder / "data/home/truth.parquet").unlink()
    assert "simulate" in scene.run("controls", *CELL, values=values())
