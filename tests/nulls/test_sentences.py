"""Null models that answer in words, as the stage writes them."""

import pytest

from stages.base.paths import Run
from stages.base.schema import CAPTIONS, MANIFEST, PREDICTIONS, SPLITS
from stages.base.tables import read_table, write_json, write_table
from stages.text.model import PACKAGED
from tests.class_list import write_class_list
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

RUN = Run("home")
VALUES = {"nulls": {"home": {"models": ["model"], "repeats": 2, "seed": 0, "encoder": PACKAGED}}}
TESTED = ["c6", "c7", "c8", "c9"]


@pytest.fixture
def clips(workplace):
    names = [f"c{number}" for number in range(10)]
    write_table(
        RUN.manifest, [{"clip_id": name, "labels": [["Walk", "Sit"][n % 2]]} for n, name in enumerate(names)], MANIFEST
    )
    write_class_list(RUN)
    write_table(
        RUN.splits,
        [
            {"protocol": "cs", "fold": "", "clip_id": name, "part": "test" if name in TESTED else "train"}
            for name in names
        ],
        SPLITS,
    )
    write_table(
        RUN.captions, [{"clip_id": name, "text": f"Caption of {name}.", "attempts": 1} for name in names], CAPTIONS
    )
    write_json(RUN.keywords, {"classes": {"Walk": ["walk"], "Sit": ["sit"]}})
    write_table(
        RUN.predictions("model"),
        [
            {"clip_id": name, "method": "model", "repeat": 0, "status": "ok", "text": f"Answer to {name}."}
            for name in TESTED
        ],
        PREDICTIONS,
    )
    return workplace


def test_the_tested_clips_are_answered_by_what_the_others_give(clips):
    assert clips.run("nulls", "home", values=VALUES) == ""
    constant = read_table(RUN.predictions("null_constant"), PREDICTIONS)
    metrics = [None, "keyword", "keyword_word", "nearest_class"]
    for repeat, metric in enumerate(metrics):
        rows = constant.filter(constant["repeat"] == repeat)
        assert rows["clip_id"].to_list() == TESTED
        assert set(rows["metric"]) == {metric}
        (said,) = set(rows["text"])
        assert said in {f"Caption of c{number}." for number in range(6)}
    assert len(constant) == len(metrics) * len(TESTED)
    every = read_table(RUN.predictions("null_every_class"), PREDICTIONS)
    assert every["clip_id"].to_list() == TESTED
    assert set(every["text"]) == {"The person is sit, walk."}
    assert len(read_table(RUN.predictions("null_shuffled"), PREDICTIONS)) == 2 * len(TESTED)


def test_each_metric_is_answered_by_the_caption_that_is_best_by_it(clips):
    """The caption of c1 holds a keyword of both classes, that of c2 of one, in another case of both as whole words."""
    said = {"c1": "walk and sit, in a seat of a garden walk, forest, sea, sun and rain", "c2": "She WALKED and SITS."}
    names = [f"c{number}" for number in range(10)]
    write_table(
        RUN.captions,
        [{"clip_id": name, "text": said.get(name, "A person walks."), "attempts": 1} for name in names],
        CAPTIONS,
    )
    assert clips.run("nulls", "home", values=VALUES) == ""
    constant = read_table(RUN.predictions("null_constant"), PREDICTIONS).filter(clip_id="c6")
    texts = {row["metric"]: row["text"] for row in constant.iter_rows(named=True)}
    details = {row["metric"]: row["detail"] for row in constant.iter_rows(named=True)}
    assert texts[None] == "A person walks."
    assert texts["keyword"] == said["c1"]
    assert texts["keyword_word"] in said.values()
    assert details["keyword"] == "chosen on 6 clips that no protocol tests on: a keyword of 2 of 2 classes"


def test_where_nobody_writes_captions_the_classes_in_words_are_what_is_left_to_say(clips):
    write_table(RUN.captions, [], CAPTIONS)
    assert clips.run("nulls", "home", values=VALUES) == ""
    constant = read_table(RUN.predictions("null_constant"), PREDICTIONS).filter(clip_id="c6")
    assert set(constant["text"]) <= {"walking", "sit"}
    assert read_table(RUN.predictions("references"), PREDICTIONS).is_empty()


def test_only_texts_that_can_win_are_read():
    import numpy as np

    from stages.metrics.keywords import most_classes
    from stages.text.keywords import has_word
    from stages.vlm.constraint import found

    lists = [["pour tea"], ["cutting"], ["carry", "carries"], ["eat"]]
    texts = ["nothing", "Cut and carried", "pours tea, cutting, eats", "cutting, eat, pour tea", "carry eat cutting"]
    cosine = np.array([1.0, 0.9, 0.1, 0.2, 0.15])
    for rule in (found, has_word):
        counts = [sum(bool(rule(text, words)) for words in lists) for text in texts]
        best = max(range(len(texts)), key=lambda index: (counts[index], cosine[index]))
        assert most_classes(texts, lists, rule, cosine) == (best, max(counts))
    assert most_classes(texts, lists, found, cosine) == (3, 3)


def test_where_nobody_writes_captions_a_narration_is_said_if_there_is_one(clips):
    write_table(RUN.captions, [], CAPTIONS)
    rows = read_table(RUN.manifest, MANIFEST).to_dicts()
    told = [{**row, "narration": f"Told of {row['clip_id']}."} for row in rows]
    write_table(RUN.manifest, told, MANIFEST)
    assert clips.run("nulls", "home", values=VALUES) == ""
    constant = read_table(RUN.predictions("null_constant"), PREDICTIONS).filter(clip_id="c6")
    assert set(constant["text"]) <= {f"Told of c{number}." for number in range(6)}
