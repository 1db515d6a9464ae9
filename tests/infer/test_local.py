"""The stages over a real model of random weights: it talks nonsense, and that is what the rows must say."""

import importlib
import sys

import pytest

from stages.base import params
from stages.base.schema import CAPTIONS, PREDICTIONS
from stages.base.tables import read_table
from stages.vlm import tiny
from tests.small_run import KEYWORDS, MODEL, PARAMS, write_run

ALL_MAY_FAIL = {"home": {"parts": ["test"], "errors": 1}}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny.save("smolvlm", tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def stage(tmp_path, monkeypatch, checkpoint):
    monkeypatch.chdir(tmp_path)
    local = MODEL | {"name": str(checkpoint), "revision": None, "max_new_tokens": 8}

    def run(name, strategy=None, **changed):
        write_run(tmp_path, clips=4, values=PARAMS | {"vlm": {"tiny": local | changed}} | {"infer": ALL_MAY_FAIL})
        params.forget()
        cell = [f"tiny_{strategy}", "tiny", strategy, "all"] if strategy else ["tiny"]
        monkeypatch.setattr(sys, "argv", ["", "home", *cell])
        importlib.import_module(f"stages.{name}.__main__").main()

    return run


def test_a_random_model_captions_with_a_keyword_because_it_must(tmp_path, stage):
    stage("caption")
    table = read_table(tmp_path / "data/home/captions.parquet", CAPTIONS)
    assert len(table) == 4
    for row in table.iter_rows(named=True):
        assert any(word in row["text"] for word in KEYWORDS[sorted(KEYWORDS)[int(row["clip_id"][4:]) % 3]])


def test_a_random_model_parses_seldom_and_is_never_taken_for_a_no(tmp_path, stage):
    for strategy in ("describe", "list", "per_class", "judge"):
        stage("infer", strategy)
        table = read_table(tmp_path / f"data/home/predictions/tiny_{strategy}.parquet", PREDICTIONS)
        assert len(table) == 3
        assert table["tokens_in"].is_not_null().all()
        if strategy != "describe":
            assert set(table["status"]) <= {"unparsed", "unmapped", "ok"}
            assert set(table["status"]) != {"ok"}


def test_a_prompt_longer_than_the_context_is_a_row_and_the_run_goes_on(tmp_path, stage, capsys):
    stage("infer", "list", max_new_tokens=500)
    table = read_table(tmp_path / "data/home/predictions/tiny_list.parquet", PREDICTIONS)
    assert set(table["status"]) == {"error"}
    assert table["detail"].str.contains("context").all()
    assert "failed 3: clip00000" in capsys.readouterr().out
