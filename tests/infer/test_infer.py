import os
import re
import shutil

import polars as pl
import pytest

from stages.base.errors import GateError, InputError
from stages.base.schema import PREDICTIONS, SPLITS
from stages.base.tables import read_table, write_table
from stages.base.video.keyframe_table import shard_name
from stages.vlm.base import Answer
from tests.small_run import KEYWORDS, PARAMS, guessing, kill_after, start, write_run

STRATEGIES = ("describe", "list", "per_class", "judge")


def cell(strategy, protocol="all"):
    return ["home", f"guess_{strategy}", "guess", strategy, protocol]


@pytest.fixture
def infer(tmp_path, monkeypatch, capsys):
    """Run a strategy where the test works; return its output's path, answers computed, answers from the journal."""
    monkeypatch.chdir(tmp_path)

    def run(strategy, **guesser):
        guessing("infer", cell(strategy), **guesser)
        out = capsys.readouterr().out
        computed, known = re.search(r"(\d+) answers computed; (\d+) from journal", out).groups()
        return tmp_path / f"data/home/predictions/guess_{strategy}.parquet", int(computed), int(known)

    return run


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_clip_of_the_parts_has_one_row(tmp_path, infer, strategy):
    write_run(tmp_path, clips=15)
    table = read_table(infer(strategy, weighs=True)[0], PREDICTIONS)
    assert table["clip_id"].to_list() == [f"clip{number:05}" for number in range(15) if number % 5 % 3 < 2]
    assert set(table["status"]) == {"ok"}
    assert set(table["method"]) == {f"guess_{strategy}"}
    assert set(table["revision"]) == {"guess-1"}
    assert table["prompt_hash"].n_unique() == 1
    assert table["journal_key"].n_unique() == len(table)
    if strategy != "describe":
        names = sorted(KEYWORDS)
        assert table["labels"].to_list() == [[names[int(clip[4:]) % 3]] for clip in table["clip_id"]]


def test_labels_are_right_as_often_as_the_model_is(tmp_path, infer):
    write_run(tmp_path, clips=500)
    table = read_table(infer("list", skill=0.7)[0], PREDICTIONS)
    right = [
        labels == [sorted(KEYWORDS)[int(clip[4:]) % 3]] for clip, labels in table.select("clip_id", "labels").rows()
    ]
    assert len(right) == 400
    assert abs(sum(right) / 400 - 0.7) < 4 * (0.7 * 0.3 / 400) ** 0.5


def test_several_labels_a_clip(tmp_path, infer):
    both = [["Cook_Cut", "Walk"] if number % 2 else [] for number in range(10)]
    values = PARAMS | {"infer": {"home": {"parts": []}}}
    write_run(tmp_path, 10, both, values, "multi")
    for strategy in ("list", "per_class"):
        table = read_table(infer(strategy, weighs=True)[0], PREDICTIONS)
        assert set(table["status"]) == {"ok"}
        assert len(table) == 10
    assert table["classes"].to_list() == [["Cook_Cut", "Walk"]] * 10


def test_judge_reuses_the_captions_of_describe(tmp_path, infer):
    write_run(tmp_path, clips=15)
    infer("describe")
    # 12 captions from the journal; 3 questions about each of the 3 captions that differ, and they share their answers.
    assert infer("judge")[1:] == (9, 12 + 36 - 9)


@pytest.mark.parametrize("strategy", ["per_class", "judge"])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path, infer, monkeypatch, strategy):
    write_run(tmp_path, clips=30)
    path, computed, known = infer(strategy, skill=0.5)
    undisturbed = path.read_bytes()
    path.unlink()

    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / ".journal"))
    process = start("infer", tmp_path, *cell(strategy), skill=0.5, seconds=0.02)
    spared = kill_after(process, tmp_path / ".journal/infer", 10)
    assert not path.exists()

    assert infer(strategy, skill=0.5)[1:] == (computed - spared, known + spared)
    assert path.read_bytes() == undisturbed


@pytest.mark.parametrize("strategy", ["describe", "list", "per_class"])
def test_added_clips_cost_themselves_also_without_a_journal(tmp_path, infer, monkeypatch, strategy):
    write_run(tmp_path, clips=10)
    path, first, _ = infer(strategy, skill=0.5, weighs=True)
    write_run(tmp_path, clips=30)
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "none"))
    _, computed, known = infer(strategy, skill=0.5, weighs=True)
    grown = path.read_bytes()
    path.unlink()
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "another"))
    _, everything, _ = infer(strategy, skill=0.5, weighs=True)
    assert path.read_bytes() == grown
    assert (computed, known) == (everything - first, first)


def test_pulled_descriptions_spare_the_judge_its_captions(tmp_path, infer, monkeypatch):
    write_run(tmp_path, clips=15)
    infer("describe")
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "none"))
    assert infer("describe")[1:] == (0, 12)
    assert infer("judge")[1:] == (9, 12 + 36 - 9)


def test_what_has_no_answer_is_a_row_and_is_asked_again(tmp_path, infer, capsys):
    run = write_run(tmp_path, clips=10)
    frames = tmp_path / run.keyframes / shard_name(0)
    whole = frames.read_bytes()
    pl.read_parquet(frames).filter(pl.col("clip_id") != "clip00001").write_parquet(frames)
    path, computed, _ = infer("list")
    row = read_table(path, PREDICTIONS).row(1, named=True)
    assert (row["status"], row["labels"], row["journal_key"]) == ("error", None, None)
    assert "clip00001: the clip has no keyframes" in row["detail"]
    assert computed == 7
    frames.write_bytes(whole)
    assert infer("list")[1:] == (1, 7)
    assert set(read_table(path, PREDICTIONS)["status"]) == {"ok"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_cell_of_errors_does_not_look_finished(tmp_path, infer, strategy):
    run = write_run(tmp_path, clips=10)
    whole = infer(strategy)[0]
    undisturbed = whole.read_bytes()
    whole.unlink()
    shutil.rmtree(os.environ["HAR_JOURNAL"])
    silent = {f"clip{number:05}": Answer("", "error", "rate limit") for number in range(6)}
    with pytest.raises(GateError) as told:
        infer(strategy, silent=silent)
    assert "5 of 8 clips are errors, more than the 50% that `errors` allows:\n  clip00000: " in str(told.value)
    assert "rate limit" in str(told.value)
    assert "run the same command again" in str(told.value)
    assert not (tmp_path / run.predictions(f"guess_{strategy}")).exists()
    _, computed, known = infer(strategy)
    assert (computed > 0, known > 0) == (True, True)
    assert whole.read_bytes() == undisturbed


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_refusals_and_lost_answers_are_rows_and_only_lost_ones_are_asked_again(tmp_path, infer, strategy):
    write_run(tmp_path, clips=10)
    silent = {"clip00000": Answer("", "refused", "filtered"), "clip00001": Answer("", "error", "rate limit")}
    path, computed, _ = infer(strategy, silent=silent)
    rows = {row["clip_id"]: row for row in read_table(path, PREDICTIONS).iter_rows(named=True)}
    assert [rows[clip]["status"] for clip in sorted(rows)] == ["refused", "error", *["ok"] * 6]
    assert "rate limit" in rows["clip00001"]["detail"]
    assert rows["clip00000"]["labels"] is None
    again = infer(strategy)
    assert 0 < again[1] < computed
    assert read_table(path, PREDICTIONS)["status"].to_list() == ["refused", *["ok"] * 7]


@pytest.mark.parametrize(
    ("labels", "parts", "says"),
    [
        ([["Walk"], ["Cook_Cut", "Walk"]], [], "clip00001 has the labels"),
        ([[], []], [], "no clip has a label"),
        ([["Walk"], ["Cook_Cut"]], ["validation"], "no usable clip is in the parts validation"),
    ],
)
def test_clips_that_cannot_be_asked_about(tmp_path, infer, labels, parts, says):
    write_run(tmp_path, 2, labels, PARAMS | {"infer": {"home": {"parts": parts}}})
    with pytest.raises(InputError, match=says):
        infer("list")


def test_a_prompt_that_is_not_there_names_those_that_are(tmp_path, infer):
    write_run(tmp_path, values=PARAMS | {"strategies": {"describe": {"kind": "describe", "prompt": "sonnet"}}})
    with pytest.raises(InputError, match=r"name one of: describe, judge, list, newborn"):
        infer("describe")


def test_a_model_that_learnt_is_asked_about_its_own_protocol(tmp_path, infer, capsys):
    run = write_run(tmp_path, clips=15)
    splits = pl.read_parquet(tmp_path / run.splits)
    other = splits.with_columns(protocol=pl.lit("cv1"), part=pl.lit("train"))
    other = other.with_columns(part=pl.when(pl.col("clip_id") == "clip00005").then(pl.lit("test")).otherwise("part"))
    write_table(tmp_path / run.splits, pl.concat([splits, other]), SPLITS)
    path, _, _ = infer("describe")
    assert len(read_table(path, PREDICTIONS)) == 12
    guessing("infer", cell("describe", "cv1"))
    assert read_table(path, PREDICTIONS)["clip_id"].to_list() == ["clip00005"]
    values = PARAMS | {"infer": {"home": {"parts": []}}}
    write_run(tmp_path, clips=15, values=values)
    with pytest.raises(InputError, match="what it learnt from"):
        guessing("infer", cell("describe", "cs"))


def test_a_method_is_called_as_its_record_says(tmp_path, infer):
    """Its answers are those of the same model and strategy under any other name."""
    write_run(tmp_path, clips=15)
    path, _, _ = infer("list")
    guessing("infer", ["home", "second_opinion", "guess", "list", "all"])
    other = read_table(tmp_path / "data/home/predictions/second_opinion.parquet", PREDICTIONS)
    assert set(other["method"]) == {"second_opinion"}
    assert other.drop("method").equals(read_table(path, PREDICTIONS).drop("method"))


def test_a_record_that_names_nothing_is_told_what_is_missing(tmp_path, infer):
    write_run(tmp_path)
    for model, strategy, said in [("nobody", "list", "vlm.nobody"), ("guess", "sing", "strategies.sing")]:
        with pytest.raises(InputError, match="no such param") as raised:
            guessing("infer", ["home", "asked", model, strategy, "all"])
        assert said in str(raised.value)
    with pytest.raises(InputError, match="cv9"):
        guessing("infer", cell("list", "cv9"))
