"""Null models of sets, as the stage writes them."""

from collections import Counter

import polars as pl
import pytest

from stages.base.paths import Run
from stages.base.schema import MANIFEST, PREDICTIONS, SPLITS
from stages.base.tables import read_table, write_table
from tests.class_list import write_class_list
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

RUN = Run("table")
SETS = [["baby"], ["baby", "suction"], [], ["baby", "suction"], ["ventilation"]]
VALUES = {"nulls": {"table": {"models": ["model"], "repeats": 3, "seed": 0, "encoder": None}}}


@pytest.fixture
def clips(workplace):
    rows = [{"clip_id": f"c{number:02d}", "labels": SETS[number % 5]} for number in range(30)]
    rows[29]["error"] = "broken"
    write_table(RUN.manifest, rows, MANIFEST)
    write_class_list(RUN, "multi")
    parts = [
        {"protocol": "new", "fold": "", "clip_id": row["clip_id"], "part": "train" if n < 10 else "test"}
        for n, row in enumerate(rows)
    ]
    write_table(RUN.splits, parts, SPLITS)
    answers = [
        {
            "clip_id": row["clip_id"],
            "method": "model",
            "repeat": 0,
            "status": "ok",
            "labels": row["labels"],
            "classes": ["baby"],
            "class_scores": [n / 100],
        }
        for n, row in enumerate(rows)
        if n >= 10
    ]
    answers[0] |= {"labels": None, "status": "unparsed"}
    write_table(RUN.predictions("model"), answers, PREDICTIONS)
    return workplace


def of(name):
    return read_table(RUN.predictions(name), PREDICTIONS)


def test_constant_is_the_commonest_set_of_what_is_not_tested(clips):
    assert clips.run("nulls", "table", values=VALUES) == ""
    constant = of("null_constant")
    assert len(constant) == 29
    assert set(map(tuple, constant["labels"].to_list())) == {("baby", "suction")}
    assert constant["classes"][0].to_list() == ["baby", "suction", "ventilation"]
    assert constant["class_scores"][0].to_list() == [0.6, 0.4, 0.2]
    assert "10 clips that no protocol tests on" in constant["detail"][0]
    every = of("null_every_class")
    assert set(map(tuple, every["labels"].to_list())) == {("baby", "suction", "ventilation")}
    assert constant["text"].null_count() == len(constant)


def test_exchanged_sets_come_from_clips_of_other_sets_with_their_scores(clips):
    assert clips.run("nulls", "table", values=VALUES) == ""
    actual = dict(read_table(RUN.manifest, MANIFEST).select("clip_id", "labels").iter_rows())
    said = {row["clip_id"]: row for row in of("model").iter_rows(named=True)}
    shuffled = of("null_shuffled")
    assert len(shuffled) == 3 * 18  # the model named no set for one clip, another is broken
    for row in shuffled.iter_rows(named=True):
        donor = row["detail"].removeprefix("model: ")
        assert actual[donor] != actual[row["clip_id"]]
        assert (row["labels"], row["class_scores"]) == (said[donor]["labels"], said[donor]["class_scores"])
    draws = shuffled.group_by("repeat").agg(pl.col("detail").n_unique())
    assert set(draws["detail"]) == {18}
    assert Counter(shuffled["repeat"].to_list()) == {0: 18, 1: 18, 2: 18}


def test_what_cannot_be_done_is_told(clips):
    write_table(
        RUN.predictions("model"),
        [{"clip_id": "c00", "method": "model", "repeat": 0, "status": "ok", "text": "A hand."}],
        PREDICTIONS,
    )
    assert "no answers to exchange" in clips.run("nulls", "table", values=VALUES)
    write_table(RUN.manifest, [{"clip_id": "c00", "labels": []}], MANIFEST)
    write_class_list(RUN, "multi")
    assert "no usable clip has a label" in clips.run("nulls", "table", values=VALUES)
