"""Metrics that read free answers: similarity to narrations, and the class that a text model reads in them."""

import sys
from unittest import mock

import polars as pl
import pytest
import yaml

from stages.base import params
from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.base.paths import Run
from stages.base.schema import CAPTIONS, CHOICES, MANIFEST, MEASURES, PREDICTIONS, SCORES, SPLITS
from stages.base.tables import read_table, write_json, write_table
from stages.metrics import prompted_class as metric
from stages.metrics.prompted_class import PromptedClass, prompted_class
from stages.text.model import PACKAGED
from stages.vlm.base import Answer
from stages.vlm.params import LocalParams
from tests.class_list import write_class_list
from tests.fake_vlm import Guesser
from tests.records import records, write_nulls
from tests.small_run import MODEL
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

RUN = Run("home")
WORDS = {"hug": "hugging", "kick": "kicking", "push": "pushing"}
TOLD = {"hug": "Two people hug.", "kick": "One person kicks the other.", "push": "One person pushes the other."}
#: clip -> its class, what the method says, and what it would be called.
SAID = {
    "c0": ("hug", "They are hugging."),
    "c1": ("hug", "They are hugging."),
    "c2": ("kick", "Somebody is kicking somebody."),
    "c3": ("kick", "Somebody is pushing somebody."),
    "c4": ("push", "A red car."),
    "c5": ("push", None),
}
BLOCKS = {
    "measure": {
        "home": {
            "metrics": ["narration_similarity", "nearest_class", "prompted_class"],
            "encoder": PACKAGED,
            "errors": 0.3,
        }
    },
    "compare": {"home": {"sweep": {"metrics": [], "steps": 2}, "confusion": None}},
    "score": {
        "home": {"confidence": 0.95, "assumed_icc": 0.1, "thresholds": {}, "only": {}, "headline": []}
        | {"subsets": {"open": ["seen", "unseen"]}}
    },
    "vlm": {"guess": MODEL},
    "methods": records(RUN, "model"),
}


class Reader(Guesser):
    """A text model that answers with the class whose word stands in the text, and with none of them where none does."""

    def _one(self, request):
        text = request.prompt.split('"')[1]
        return Answer(next((word for word in WORDS.values() if word in text), "something else"), tokens_out=1)


@pytest.fixture
def place(workplace):
    rows = [
        {"clip_id": clip, "labels": [label], "subject": clip, "narration": TOLD[label] if clip != "c3" else None}
        for clip, (label, _) in SAID.items()
    ]
    write_table(RUN.manifest, [*rows, {"clip_id": "t0", "labels": ["hug"], "subject": "t", "narration": "x"}], MANIFEST)
    write_class_list(RUN)
    parts = [("open", clip, "test") for clip in SAID] + [("open", "t0", "train")]
    parts += [("seen" if label == "hug" else "unseen", clip, "test") for clip, (label, _) in SAID.items()]
    write_table(
        RUN.splits,
        [{"protocol": name, "fold": "", "clip_id": clip, "part": part} for name, clip, part in parts],
        SPLITS,
    )
    write_table(RUN.captions, [], CAPTIONS)
    write_json(RUN.keywords, {"classes": {name: [name] for name in WORDS}})
    answers = [
        {"clip_id": clip, "method": "model", "repeat": 0, "text": text, "status": "ok" if text else "refused"}
        for clip, (_, text) in SAID.items()
    ]
    write_table(RUN.predictions("model"), answers, PREDICTIONS)
    write_nulls(RUN, [{"clip_id": "c0", "repeat": 0, "status": "missing"}])
    return workplace


def measure(place, model, change=None):
    blocks = {**BLOCKS, **(change or {})}
    with mock.patch.object(metric, "load", return_value=model):
        return place.run("measure", "home", "guess", "data/none", values=blocks)


def rows_of(name):
    table = read_table(RUN.measures("model") / "measures.parquet", MEASURES).filter(metric=name)
    return {row["clip_id"]: row for row in table.iter_rows(named=True)}


def test_an_answer_is_as_near_as_it_is_to_what_the_data_set_tells(place):
    assert measure(place, Reader({})) == ""
    found = rows_of("narration_similarity")
    assert found["c0"]["value"] > 0.75 > found["c4"]["value"]
    assert found["c2"]["value"] > found["c4"]["value"]
    assert (found["c3"]["value"], found["c3"]["detail"]) == (None, "the clip has no narration")
    assert (found["c5"]["value"], found["c5"]["detail"]) == (0.0, "refused")


def test_a_narration_said_word_for_word_is_the_best_there_is(place):
    rows = [
        {"clip_id": clip, "method": "model", "repeat": 0, "text": TOLD[label], "status": "ok"}
        for clip, (label, _) in SAID.items()
    ]
    write_table(RUN.predictions("model"), rows, PREDICTIONS)
    assert measure(place, Reader({})) == ""
    found = rows_of("narration_similarity")
    assert [found[clip]["value"] for clip in ("c0", "c2", "c4")] == pytest.approx([1, 1, 1], abs=1e-6)


def test_a_text_model_names_the_class_and_what_fits_none_is_unmapped(place):
    model = Reader({})
    assert measure(place, model) == ""
    found = rows_of("prompted_class")
    assert {clip: row["label"] for clip, row in found.items()} == {
        **{"c0": "hug", "c1": "hug", "c2": "kick", "c3": "push", "c4": None, "c5": None},
    }
    assert {clip: row["value"] for clip, row in found.items()} == {
        **{"c0": 1, "c1": 1, "c2": 1, "c3": 1, "c4": 0, "c5": 0},
    }
    assert found["c4"]["detail"] == "unmapped: names no class: something else"
    assert found["c5"]["detail"] == "refused"
    assert model.answered == 4  # two clips share a text, and a refusal is no text


def test_choices_are_not_asked_for_again_and_refill_the_journal(place, monkeypatch):
    assert measure(place, Reader({})) == ""
    choices = read_table(RUN.measures("model") / "choices.parquet", CHOICES)
    assert sorted(choices["text"]) == ["hugging", "kicking", "pushing", "something else"]
    before = (RUN.measures("model") / "measures.parquet").read_bytes()
    again = Reader({})
    assert measure(place, again) == ""
    assert again.answered == 0
    monkeypatch.setenv("HAR_JOURNAL", "elsewhere")
    pulled = Reader({})
    assert measure(place, pulled) == ""
    assert pulled.answered == 0
    assert (RUN.measures("model") / "measures.parquet").read_bytes() == before


def test_a_text_model_that_fails_is_no_measure(place):
    class Failing(Reader):
        def _one(self, request):
            return Answer("", "error", "rate limit") if "hugging." in request.prompt else super()._one(request)

    said = measure(place, Failing({}))
    assert "2 of 5 choices of a class are errors, more than the 30%" in said
    assert not (RUN.measures("model") / "measures.parquet").exists()


def test_nobody_can_be_asked(place):
    blocks = {**BLOCKS, "vlm": {"none": {"backend": "none"}}}
    said = place.run("measure", "home", "none", "data/none", values=blocks)
    assert "metric prompted_class, and nobody can be asked" in said
    with pytest.raises(InputError, match="nobody can be asked"):
        PromptedClass().model(None)
    assert PromptedClass(max_new_tokens=3).model(LocalParams(**MODEL)).max_new_tokens == 3


def test_a_dry_run_says_what_would_be_asked(place, monkeypatch, capsys):
    (place.folder / "params.yaml").write_text(yaml.safe_dump(BLOCKS))
    monkeypatch.setattr(sys, "argv", ["measure", "home", "guess", "data/none", "--dry"])
    params.forget()
    import stages.measure.__main__ as room

    with mock.patch.object(metric, "load", return_value=Reader({})):
        room.main()
    assert "5 texts to find a class of" in capsys.readouterr().out
    assert not RUN.measures("model").exists()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("Kicking."), (1.0, "kick", None)),
        (Answer("pushing, kicking"), (1.0, "push", "names several: push, kick")),
        (Answer("dancing"), (0.0, None, "unmapped: names no class: dancing")),
        (Answer(""), (0.0, None, "unmapped: names no class: ")),
        (Answer("", "refused"), (0.0, None, "refused")),
        (Answer("", "error", "down"), (None, None, "error: down")),
    ],
)
def test_what_an_answer_of_the_text_model_names(answer, expected):
    assert prompted_class(answer, WORDS) == expected


def scores(place, metric, protocol="open"):
    table = read_table(RUN.scores("model"), SCORES).filter(metric=metric, protocol=protocol)
    return {row["aggregate"]: row["value"] for row in table.iter_rows(named=True)}


def test_scores_have_the_mean_over_clips_the_share_unmapped_and_the_share_that_names_what_never_trained(place):
    learnt = {"methods": records(RUN, "model", protocol="open")}
    assert measure(place, Reader({}), learnt) == ""
    assert place.run("score", "home", "data/none", values={**BLOCKS, **learnt}) == ""
    values = [row["value"] for row in rows_of("narration_similarity").values() if row["value"] is not None]
    frame = pl.Series(values)
    found = scores(place, "narration_similarity")
    assert found["mean"] == pytest.approx(frame.mean())
    assert found["clip_sd"] == pytest.approx(frame.std())
    assert "mean" not in scores(place, "prompted_class")
    found = scores(place, "prompted_class")
    assert found["unmapped"] == pytest.approx(2 / 6)
    assert found["names_unseen"] == pytest.approx(2 / 6)  # kick of c2, push of c3: only hug trained
    assert scores(place, "prompted_class", "unseen")["names_unseen"] == pytest.approx(2 / 4)
    assert scores(place, "prompted_class", "seen")["names_unseen"] == 0
    assert found["macro_f1"] == pytest.approx((1 + 2 / 3 + 0) / 3)
    nearest = scores(place, "nearest_class")
    assert "unmapped" not in nearest
    assert nearest["names_unseen"] > 0


def test_the_journal_of_choices_is_one_that_prune_knows(place):
    assert measure(place, Reader({})) == ""
    keys = set(read_table(RUN.measures("model") / "choices.parquet", CHOICES)["journal_key"])
    with Journal("choose", Answer._fields) as journal:
        assert all(key in journal for key in keys)
