"""What cells write of their errors: each its own number, also where several write at once."""

import json
import multiprocessing

import pytest

from stages.base.paths import Run
from stages.base.tables import write_json
from stages.vlm.unanswered import count_errors

RUN = Run("home")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "dvc.yaml:infer@home_m1")


def test_a_cell_writes_its_own_number_and_says_what_happens():
    write_json(RUN.errors, {"caption": 2, "infer": {"m1": 0, "m2": 4}, "measure": 0})
    assert count_errors(RUN, 3, "infer", "m1") == "3 ended in an error: the next `dvc repro` asks again"
    assert json.loads(RUN.errors.read_text()) == {"caption": 2, "infer": {"m1": 3, "m2": 4}, "measure": 0}
    assert count_errors(RUN, 0, "caption") == ""
    assert json.loads(RUN.errors.read_text())["caption"] == 0


def test_a_cell_without_errors_leaves_the_file_as_it_is():
    RUN.errors.parent.mkdir(parents=True)
    RUN.errors.write_text('{"caption":0}')
    count_errors(RUN, 0, "caption")
    assert RUN.errors.read_text() == '{"caption":0}'


def test_what_is_run_by_hand_writes_nothing(monkeypatch):
    monkeypatch.delenv("DVC_STAGE")
    assert count_errors(RUN, 3, "measure") == "3 ended in an error: the same command asks again"
    assert not RUN.errors.exists()


def write_many(method: str) -> None:
    for number in range(1, 51):
        count_errors(RUN, number, "infer", method)


def test_cells_that_run_at_once_lose_no_number():
    write_json(RUN.errors, {"caption": 0, "infer": {}, "measure": 0})
    methods = [f"m{number}" for number in range(4)]
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.map(write_many, methods, chunksize=1)
    assert json.loads(RUN.errors.read_text())["infer"] == dict.fromkeys(methods, 50)
