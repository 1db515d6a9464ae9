"""A teacher on narrations, from files to tables: what training had word by word, what not, what keywords tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stages.stats.intervals import Level
from stages.teach.keywords import longest, phrases
from stages.teach.scored import nearest, right, rows
from stages.text.model import PACKAGED
from tests.annotated import small
from tests.stage import Workplace, workplace  # noqa: F401

RECIPE = {"seed": 0, "threads": 1, "epochs": 10, "batch": 4, "rate": 0.05, "weight_decay": 0, "class_weights": False}
LEVEL = Level(0.95, 0.1)


def values(**changed) -> dict:
    block = {
        "teacher": "narrations",
        "train": ["EPIC_100_train.csv"],
        "test": "EPIC_100_validation.csv",
        "encoder": PACKAGED,
        "recipe": RECIPE,
        "nearest": {"verb": ["take"], "noun": ["plate", "oil"]},
        "shown": 2,
    }
    return {"recipes": {"tiny": {**block, **changed}}}


def teach(place: Workplace, name: str = "own", texts: str = "data/lists", **changed) -> str:
    return place.run("teach", "kitchen", name, "tiny", "given", texts, values=values(**changed))


@pytest.fixture
def place(workplace, monkeypatch):  # noqa: F811
    monkeypatch.setattr("stages.teach.__main__.hold_arithmetic", lambda: None)
    folder = small.write(workplace.folder / "data/lists")
    sentences = [{"narration": "cut oil", "verb_class": 3, "noun_classes": [4]}] * 6
    small.write_csv(folder / "sentences.csv", sentences)
    return workplace


def test_accuracy_is_split_by_whether_training_had_the_narration(place):
    assert teach(place) == ""
    assert teach(place, "both", train=["EPIC_100_train.csv", "sentences.csv"]) == ""
    tables = {name: pl.read_csv(f"metrics/kitchen/teachers/{name}.csv") for name in ("own", "both")}
    at = {
        (row["teacher"], row["part"], row["head"]): row
        for table in tables.values()
        for row in table.iter_rows(named=True)
    }
    assert {key[:2]: row["texts"] for key, row in at.items()} == {
        ("own", "all"): 5,
        ("own", "seen"): 2,
        ("own", "new"): 3,
        ("both", "all"): 5,
        ("both", "seen"): 3,
        ("both", "new"): 2,
    }
    assert at["both", "seen", "action"]["accuracy"] == 1
    assert at["own", "new", "noun"]["keywords"] == 1  # tap, plate and oil are their own classes' names
    for row in at.values():
        assert row["difference"] == pytest.approx(row["accuracy"] - row["keywords"], abs=2e-4)
        if row["accuracy_low"] is not None:
            assert 0 <= row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"] <= 1
    near = {name: pl.read_csv(f"data/kitchen/teachers/{name}/nearest.csv") for name in tables}
    assert set(near["own"]["class"]) == {"take", "plate"}  # it was never taught oil
    assert set(near["both"]["class"]) == {"take", "plate", "oil"}
    assert all((table["class"] != table["near"]).all() for table in near.values())
    first = Path("metrics/kitchen/teachers/own.csv").read_bytes()
    assert teach(place) == ""
    assert Path("metrics/kitchen/teachers/own.csv").read_bytes() == first


def test_what_is_wrong_is_said(place):
    assert "no such class: fly" in teach(place, nearest={"verb": ["fly"]})
    assert "no such head: action" in teach(place, nearest={"action": []})
    assert "no such file" in teach(place, train=["x.csv"])
    assert "needs their folder" in teach(place, texts="data/none")
    small.write_csv(Path("data/lists/sentences.csv"), [{"narration": "cut", "verb_class": 7, "noun_classes": [1]}])
    assert "there is no class 7" in teach(place, train=["sentences.csv"])


def test_keywords_take_the_longest_name_as_whole_words():
    classes = ["board", "board:chopping", "pan", "turn-on", "turn"]
    assert phrases("board:chopping") == ["chopping board", "board chopping"]
    texts = ["wash chopping board", "wash the boards", "open pantry", "turn on tap", "turn tap", ""]
    assert longest(texts, classes).tolist() == [1, 0, -1, 3, 4, -1]


def test_accuracies_and_differences_are_means_with_intervals_over_people():
    rng = np.random.default_rng(0)
    wanted = rng.integers(0, 3, (60, 2))
    ours, theirs = wanted.copy(), rng.integers(-1, 3, (60, 2))
    ours[::7, 0] += 1
    seen, people = np.arange(60) % 2 == 0, [f"P{n % 6}" for n in range(60)]
    found = {
        (row["part"], row["head"]): row
        for row in rows("t", right(ours, wanted), right(theirs, wanted), seen, people, LEVEL)
    }
    assert len(found) == 9
    new = found["new", "action"]
    hits = (ours == wanted).all(1)[~seen]
    assert new["accuracy"] == pytest.approx(hits.mean())
    assert new["difference"] == pytest.approx(hits.mean() - (theirs == wanted).all(1)[~seen].mean())
    assert new["difference_low"] < new["difference"] < new["difference_high"]
    assert (new["texts"], new["subjects"]) == (30, 3)


def test_nearest_classes_are_by_mean_probability_and_leave_out_the_class_itself():
    said = np.log(np.array([[0.7, 0.2, 0.1], [0.5, 0.1, 0.4], [0.1, 0.8, 0.1]], np.float32))
    found = nearest(said, ["a", "b", "c"], ["a", "c"], np.array([0, 0, 1]), 2)
    assert [(row["class"], row["rank"], row["near"]) for row in found] == [("a", 1, "c"), ("a", 2, "b")]
    assert [row["share"] for row in found] == pytest.approx([0.25, 0.15])
    assert found[0]["own"] == pytest.approx(0.6)
