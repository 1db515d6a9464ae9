import hashlib

import numpy as np
import pytest

from stages.base.journal.store import Journal
from stages.metrics.answer import answer
from stages.metrics.judge import PROMPTS, VERSION, Text, judge, refill, save, verdict
from stages.vlm.ask import Tally
from stages.vlm.base import Answer
from stages.vlm.params import LocalParams
from stages.vlm.prompts import Prompt
from stages.vlm.show import Show
from tests.fake_vlm import Guesser
from tests.small_run import MODEL, truth, write_run

#: What `test_golden` sees, by VERSION. Where it fails: raise VERSION, and add what it sees now.
GOLDEN = {1: "4ec2a9a3f5864221", 2: "4ec2a9a3f5864221"}


@pytest.fixture
def judged(tmp_path, monkeypatch):
    """Judge true captions of some clips, then those of the next class; return the judgements of both and the tally."""
    monkeypatch.chdir(tmp_path)

    def run(clips, repeats=1, **guesser):
        run = write_run(tmp_path, clips)
        show, shows = Show(run, LocalParams(**MODEL)), truth(run)
        references = {clip_id: f"A person is {shows[clip_id]}." for clip_id in sorted(show.labels)}
        shifted = dict(zip(references, [*list(references.values())[1:], references["clip00000"]], strict=True))
        texts = [
            Text(clip_id, repeat, references[clip_id], said[clip_id])
            for repeat, said in enumerate([references, shifted])
            for clip_id in said
        ]
        tally = Tally()
        with Journal("judge") as journal:
            backend = Guesser(shows, **guesser)
            found = list(judge(texts, show, Prompt(PROMPTS, "judge"), backend, journal, repeats, tally))
        return [[one for one in found if one.repeat // repeats == repeat] for repeat in (0, 1)], tally

    return run


def test_a_perfect_judge_tells_true_captions_from_those_of_other_classes(judged):
    (true, false), _ = judged(12)
    assert {one.value for one in true} == {1.0}
    assert {one.value for one in false} == {0.0}
    assert [one.clip_id for one in true] == [f"clip{number:05}" for number in range(12)]


def test_the_value_is_p_true_where_the_back_end_gives_it(judged):
    (true, false), _ = judged(12, weighs=True)
    assert all(0.5 < one.value < 1 for one in true)
    assert all(0 < one.value < 0.5 for one in false)


def test_repeats_measure_the_judges_own_variance(judged):
    (true, _), _ = judged(60, repeats=8, skill=0.7, samples=True)
    values = np.array([one.value for one in true]).reshape(60, 8)
    assert abs(values.mean() - 0.7) < 4 * (0.7 * 0.3 / 480) ** 0.5
    assert abs(values.var(axis=1, ddof=1).mean() - 0.7 * 0.3) < 0.05
    assert [one.repeat for one in true[:8]] == list(range(8))


def test_repeats_of_a_greedy_judge_are_one_answer(judged):
    (true, _), tally = judged(6, repeats=4, skill=0.5)
    assert (tally.asked, tally.computed) == (2 * 6 * 4, 2 * 6)
    assert all(len({one.value for one in true if one.clip_id == clip}) == 1 for clip in {one.clip_id for one in true})


def test_pulled_judgements_refill_the_journal(judged, tmp_path, monkeypatch):
    (true, false), first = judged(6, repeats=2, skill=0.7, samples=True)
    save(tmp_path / "judgements.parquet", [*true, *false], "r1")
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "none"))
    with Journal("judge") as journal:
        assert refill(journal, tmp_path / "judgements.parquet") == first.computed == 24
    again, tally = judged(6, repeats=2, skill=0.7, samples=True)
    assert again == [true, false]
    assert (tally.asked, tally.computed) == (24, 0)


def test_judgements_are_journalled(judged):
    judged(6)
    assert judged(9)[1].computed == 2 * 3


def test_a_clip_that_cannot_be_shown_has_no_value(judged, monkeypatch):
    from stages.base.errors import InputError

    whole = Show.media

    def media(show, clip_id):
        if clip_id == "clip00001":
            raise InputError("gone")
        return whole(show, clip_id)

    monkeypatch.setattr(Show, "media", media)
    (true, _), _ = judged(3)
    assert {one.clip_id: (one.value, one.detail) for one in true}["clip00001"] == (None, "gone")


@pytest.mark.parametrize(
    ("given", "value", "detail"),
    [
        (Answer("True"), 1.0, None),
        (Answer(" false."), 0.0, None),
        (Answer("True", p={"True": 0.8, "False": 0.2}), 0.8, None),
        (Answer("It is not true", p={"True": 0.8, "False": 0.2}), None, "unparsed: 'It is not true'"),
        (Answer(""), None, "unparsed: ''"),
        (
            Answer("The reference says", tokens_out=4, ended="length"),
            None,
            "unparsed: 'The reference says', cut after 4 tokens",
        ),
        (Answer("True, because the", tokens_out=4, ended="length"), 1.0, None),
        (Answer("", "refused", "filter"), None, "refused: filter"),
    ],
)
def test_anything_but_true_or_false_is_unparsed(given, value, detail):
    assert verdict(given) == (value, detail)


def test_golden():
    texts = ["True", "false.", "It is true", "", "**True**, because", "Answer: False"]
    answers = [Answer(text, p=p) for text in texts for p in (None, {"True": 0.25, "False": 0.75})]
    seen = hashlib.blake2b(repr([verdict(one) for one in answers]).encode(), digest_size=8).hexdigest()
    assert GOLDEN.get(VERSION) == seen, f"raise VERSION in stages/metrics/judge.py: {seen}"


@pytest.mark.parametrize(
    ("labels", "status", "named"),
    [
        (["Walk"], "ok", (1.0, "Walk", None)),
        ([], "ok", (0.0, None, "names no class")),
        ([], "unmapped", (0.0, None, "unmapped")),
        (None, "unparsed", (0.0, None, "unparsed")),
        (["Walk"], "unparsed", (1.0, "Walk", None)),
        (["Cut", "Walk"], "ok", (None, None, "names 2 classes")),
        (None, "ok", (None, None, "the method names no class")),
        (None, "refused", (0.0, None, "refused")),
        (None, "error", (None, None, "error")),
    ],
)
def test_the_class_that_an_answer_names(labels, status, named):
    assert answer(labels, status, None) == named
