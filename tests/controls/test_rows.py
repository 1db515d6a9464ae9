"""Rows of controls.csv, and what is asked."""

import json

import pytest

from stages.controls.control_rows import Answer, row
from stages.controls.params import ControlsParams
from stages.controls.questions import NONE, Question, questions, wanted
from stages.learn.data import Clip
from stages.stats.intervals import Level

LEVEL = Level(0.95, 0.1)


def test_mean_class_accuracy_is_the_mean_over_classes():
    answers = [Answer("a", "a", "1"), Answer("a", "a", "2"), Answer("b", "a", "1"), Answer("a", "b", "2")]
    found = row(answers, 3, LEVEL)
    assert found["mca"] == pytest.approx((2 / 3 + 0) / 2)
    assert (found["chance"], found["clips"], found["subjects"]) == (1 / 3, 4, 2)
    assert 0 <= found["low"] <= found["mca"] <= found["high"] <= 1
    assert json.dumps(found)


def test_one_subject_has_no_interval():
    found = row([Answer("a", "a", "1"), Answer("a", "b", "1")], 2, LEVEL)
    assert (found["mca"], found["low"], found["high"]) == (0.5, None, None)


def test_questions_of_a_pair_are_asked_of_its_clips():
    params = ControlsParams.model_validate(
        {
            "frozen": {},
            "seed": 0,
            "everywhere": ["mean_colour"],
            "pairs": [["b", "c"]],
            "in_pairs": ["shuffled", "reversed"],
        }
    )
    asked = questions(params, ["a", "b", "c"], frozenset({"reversed"}))
    every, pair = ("a", "b", "c"), ("b", "c")
    assert asked == [
        Question(NONE, every),
        Question("mean_colour", every),
        Question(NONE, pair),
        Question("shuffled", pair),
    ]
    a, b = (Clip("clip", "path", "md5", 1, (label,)) for label in "ab")
    assert wanted(a, asked) == [NONE, "mean_colour"]
    assert wanted(b, asked) == [NONE, "mean_colour", "shuffled"]
