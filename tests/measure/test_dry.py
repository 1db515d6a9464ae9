"""A dry run of measure asks nothing, writes nothing, and counts the questions that the judge is then asked."""

from pathlib import Path

import pytest

from stages.base.schema import JUDGEMENTS
from stages.base.tables import read_table
from stages.vlm import tiny
from tests.measure.test_judge_stage import MEASURE
from tests.small_run import MODEL, PARAMS, guessing, write_run
from tests.stage import Workplace, workplace  # noqa: F401 (a fixture)


@pytest.fixture
def values(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tiny.save("smolvlm", tmp_path_factory.mktemp("tiny"))
    about = {"licence": "MIT", "price": {"input": 1e6, "output": 0}}
    model = MODEL | {"name": str(folder), "revision": None, "max_new_tokens": 4, "about": about}
    return PARAMS | {"measure": {"home": MEASURE | {"judge": MEASURE["judge"] | {"model": model}}}}


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and ".dvc/" not in str(path))
    return {str(path): path.read_bytes() for path in paths if path.name not in ("params.yaml", "compute.yaml")}


def test_it_counts_what_the_judge_is_then_asked(
    workplace: Workplace,  # noqa: F811
    values: dict,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HAR_JOURNAL", str(workplace.folder / ".journal"))
    run = write_run(workplace.folder, clips=6, values=values)
    guessing("caption", ["home", "guess"])
    guessing("infer", ["home", "guess", "describe"])
    capsys.readouterr()
    before = files(workplace.folder)

    assert workplace.run("measure", "home", "guess_describe", "--dry", values=values) == ""
    said = capsys.readouterr().out
    assert files(workplace.folder) == before
    assert "5 texts to judge, each 2 times: 5 of 10 answers to ask for" in said  # a greedy judge draws once
    assert "5 questions, 10 images" in said
    assert "tokens in (the model's processor), at most 20 out" in said
    assert "US dollars" in said
    assert "time not known" in said
    tokens = float(said.partition("about ")[2].partition(" tokens in")[0].replace(",", ""))
    cost = float(said.partition("at most about ")[2].partition(" US dollars")[0].replace(",", ""))
    assert cost == tokens > 5 * 20

    assert workplace.run("measure", "home", "guess_describe", values=values) == ""
    judged = read_table(run.measures("guess_describe") / "judgements.parquet", JUDGEMENTS)
    assert len(judged) == 5
    capsys.readouterr()
    assert workplace.run("measure", "home", "guess_describe", "--dry", values=values) == ""
    said = capsys.readouterr().out
    assert "0 of 10 answers to ask for\n" in said
    assert "all in the journal" in said

    # Another prompt is asked again, at the speed of the run before.
    block = values["measure"]["home"]
    other = values | {"measure": {"home": block | {"judge": block["judge"] | {"prompt": "other"}}}}
    monkeypatch.setattr("stages.metrics.judge.PROMPTS", workplace.folder)
    (workplace.folder / "other.txt").write_text("True or False? {{ reference }} {{ prediction }}")
    assert workplace.run("measure", "home", "guess_describe", "--dry", values=other) == ""
    said = capsys.readouterr().out
    assert "5 of 10 answers to ask for" in said
    assert "s as fast as last time" in said


def test_without_a_judge_nobody_is_asked(
    workplace: Workplace,  # noqa: F811
    values: dict,
    capsys: pytest.CaptureFixture[str],
) -> None:
    block = values["measure"]["home"] | {"metrics": ["keyword"], "judge": None}
    values = values | {"measure": {"home": block}}
    run = write_run(workplace.folder, clips=3, values=values)
    guessing("caption", ["home", "guess"])
    guessing("infer", ["home", "guess", "describe"])
    assert workplace.run("measure", "home", "guess_describe", "--dry", values=values) == ""
    assert "no judge: no model is asked" in capsys.readouterr().out
    assert not run.measures("guess_describe").exists()
