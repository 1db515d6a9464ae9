"""Null models that answer in words, as the stage writes them."""

import pytest

from stages.base.paths import Run
from stages.base.schema import CAPTIONS, MANIFEST, PREDICTIONS, SPLITS
from stages.base.tables import read_table, write_json, write_table
from stages.text.model import PACKAGED
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

RUN = Run("home")
VALUES = {"nulls": {"home": {"models": ["model"], "repeats": 2, "seed": 0, "encoder": PACKAGED}}}
TESTED = ["c6", "c7", "c8", "c9"]


@pytest.fixture
def clips(workplace):
    names = [f"c{number}" for number in range(10)]
    write_table(RUN.manifest, [{"clip_id": name, "labels": [["Walk", "Sit"][n % 2]]} for n, name in enumerate(names)],
                MANIFEST)  # fmt: skip
    write_table(RUN.splits, [{"protocol": "cs", "fold": "", "clip_id": name,
                              "part": "test" if name in TESTED else "train"} for name in names], SPLITS)  # fmt: skip
    write_table(RUN.captions, [{"clip_id": name, "text": f"Caption of {name}.", "attempts": 1}
                               for name in names], CAPTIONS)  # fmt: skip
    write_json(RUN.keywords, {"classes": {"Walk": ["walk"], "Sit": ["sit"]}})
    write_table(RUN.predictions("model"), [{"clip_id": name, "method": "model", "repeat": 0, "status": "ok",
                                            "text": f"Answer to {name}."} for name in TESTED], PREDICTIONS)  # fmt: skip
    return workplace


def test_the_tested_clips_are_answered_by_what_the_others_give(clips):
    assert clips.run("nulls", "home", values=VALUES) == ""
    constant = read_table(RUN.predictions("null_constant"), PREDICTIONS)
    assert constant["clip_id"].to_list() == TESTED
    (said,) = set(constant["text"])
    assert said in {f"Caption of c{number}." for number in range(6)}
    every = read_table(RUN.predictions("null_every_class"), PREDICTIONS)
    assert every["clip_id"].to_list() == TESTED
    assert set(every["text"]) == {"The person is sit, walk."}
    assert len(read_table(RUN.predictions("null_shuffled"), PREDICTIONS)) == 2 * len(TESTED)
