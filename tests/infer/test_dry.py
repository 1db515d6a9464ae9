"""A dry run asks nothing, writes nothing, and counts what a real one then asks."""

from pathlib import Path

import pytest
import yaml

from stages.base import params
from stages.vlm import tiny
from tests.small_run import MODEL, PARAMS, write_run
from tests.stage import Workplace, workplace  # noqa: F401 (a fixture)


@pytest.fixture
def values(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tiny.save("smolvlm", tmp_path_factory.mktemp("tiny"))
    local = MODEL | {"name": str(folder), "revision": None, "max_new_tokens": 4}
    priced = local | {"about": {"licence": "MIT", "price": {"input": 1e6, "output": 0}}}
    return PARAMS | {"vlm": {"tiny": local, "priced": priced}}


def cell(model: str, strategy: str) -> list[str]:
    return ["home", f"{model}_{strategy}", model, strategy, "all"]


def files(folder: Path) -> set[str]:
    return {str(path) for path in folder.rglob("*") if path.is_file() and ".dvc/" not in str(path)}


def test_it_counts_what_a_run_then_asks(workplace: Workplace, values: dict, capsys, monkeypatch) -> None:  # noqa: F811
    monkeypatch.setenv("HAR_JOURNAL", str(workplace.folder / ".journal"))
    write_run(workplace.folder, clips=6, values=values)
    (workplace.folder / "compute.yaml").write_text(yaml.safe_dump({"workers": 1}))
    before = files(workplace.folder)
    for model in ("tiny", "priced"):
        assert workplace.run("infer", *cell(model, "per_class"), "--dry", values=values) == ""
        assert files(workplace.folder) == before
        said = capsys.readouterr().out
        assert "15 questions, 30 images" in said
        assert ("US dollars" in said) == (model == "priced")
        assert "time not known" in said
    assert workplace.run("infer", *cell("tiny", "per_class"), values=values) == ""
    assert "15 answers computed" in capsys.readouterr().out
    assert workplace.run("infer", *cell("tiny", "per_class"), "--dry", values=values) == ""
    said = capsys.readouterr().out
    assert "0 of 15 answers to ask for\n" in said
    assert "all in the journal" in said
    assert workplace.run("infer", *cell("tiny", "describe"), "--dry", values=values) == ""
    assert "s as fast as last time" in capsys.readouterr().out
    # A caption and then three questions about it: of each clip's own caption, though nobody has written it yet.
    assert workplace.run("infer", *cell("tiny", "judge"), "--dry", values=values) == ""
    said = capsys.readouterr().out
    assert "20 of 20 answers to ask for" in said
    assert "20 questions, 10 images" in said
    assert workplace.run("caption", "home", "tiny", "--dry", values=values) == ""
    assert "6 questions" in capsys.readouterr().out
    assert not (workplace.folder / "data/home/captions.parquet").exists()
    params.compute.cache_clear()
