"""A dry run of measure asks nothing, writes nothing, and counts the questions that the judge is then asked."""

from pathlib import Path

import pytest

from stages.base.paths import Run
from stages.base.schema import JUDGEMENTS
from stages.base.tables import read_table
from stages.vlm import tiny
from tests.measure.test_judge_stage import MEASURE
from tests.records import records, write_nulls
from tests.small_run import MODEL, PARAMS, guessing, write_run
from tests.stage import Workplace, workplace  # noqa: F401 (a fixture)


@pytest.fixture
def values(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tiny.save("smolvlm", tmp_path_factory.mktemp("tiny"))
    about = {"licence": "MIT", "price": {"input": 1e6, "output": 0}}
    model = MODEL | {"name": str(folder), "revision": None, "about": about}  # it may say more than a judge needs
    return PARAMS | {
        "measure": {"home": MEASURE | {"judge": MEASURE["judge"] | {"max_new_tokens": 4}}},
        "methods": records(Run("home"), "guess_describe"),
        "vlm": PARAMS["vlm"] | {"judge": model, "none": {"backend": "none"}},
    }


def described(folder: Path, clips: int, values: dict) -> Run:
    run = write_run(folder, clips=clips, values=values)
    guessing("caption", ["home", "guess"])
    guessing("infer", ["home", "guess_describe", "guess", "describe", "all"])
    write_nulls(run, [{"clip_id": "clip00000", "repeat": 0, "status": "missing"}])
    return run


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
    run = described(workplace.folder, 6, values)
    capsys.readouterr()
    before = files(workplace.folder)

    assert workplace.run("measure", "home", "judge", "data/none", "--dry", values=values) == ""
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

    assert workplace.run("measure", "home", "judge", "data/none", values=values) == ""
    judged = read_table(run.measures("guess_describe") / "judgements.parquet", JUDGEMENTS)
    assert len(judged) == 5
    capsys.readouterr()
    assert workplace.run("measure", "home", "judge", "data/none", "--dry", values=values) == ""
    said = capsys.readouterr().out
    assert "0 of 10 answers to ask for\n" in said
    assert "all in the journal" in said

    # Another prompt is asked again, at the speed of the run before.
    block = values["measure"]["home"]
    other = values | {"measure": {"home": block | {"judge": block["judge"] | {"prompt": "other"}}}}
    monkeypatch.setattr("stages.metrics.judge.PROMPTS", workplace.folder)
    (workplace.folder / "other.txt").write_text("True or False? {{ reference }} {{ prediction }}")
    assert workplace.run("measure", "home", "judge", "data/none", "--dry", values=other) == ""
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
    run = described(workplace.folder, 3, values)
    assert workplace.run("measure", "home", "none", "data/none", "--dry", values=values) == ""
    assert "no judge: no model is asked" in capsys.readouterr().out
    assert not run.measures("guess_describe").exists()
