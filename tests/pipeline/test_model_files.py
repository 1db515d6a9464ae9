"""Models as files of params/models: what DVC resolves of one is what the stage reads, by the graph and by hand."""

import shutil
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from stages.base import params
from stages.vlm.params import VlmParams
from tests.pipeline import graph

FILES = sorted((graph.ROOT / "params" / "models").glob("*.yaml"))
PIPELINE = """
stages:
  infer_other:
    matrix:
      model: ${other_models}
    cmd: echo ${item.model}
    params:
      - infer.home
      - params/models/${item.model}.yaml:
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(graph.ROOT / "params", tmp_path / "params")
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text("other_models: [gpt_4o]\ninfer: {home: {parts: []}}\nvlm: {own: {a: 1}}\n")
    params.forget()
    yield tmp_path
    params.forget()


def test_a_cell_takes_its_model_from_the_models_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "dvc.yaml:infer_other@gpt_4o")
    block = yaml.safe_load((project / "params/models/gpt_4o.yaml").read_text())
    assert params.declared_values() == {"infer": {"home": {"parts": []}}, "vlm": {"gpt_4o": block}}
    assert params.read({"vlm.{model}": VlmParams}, model="gpt_4o")["vlm.{model}"].name == "gpt-4o-2024-11-20"


def test_by_hand_a_file_is_a_block_and_params_yaml_wins(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    (project / "params/models/own.yaml").write_text("a: 2")
    known = params.declared_values()["vlm"]
    assert known["own"] == {"a": 1}
    assert set(known) == {"own", *(file.stem for file in FILES)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_one_block_with_its_licence(file: Path) -> None:
    block = TypeAdapter(VlmParams).validate_python(yaml.safe_load(file.read_text()))
    assert block.about is not None
    assert block.about.licence
    values = graph.params_of(graph.ROOT / "dvc.yaml")
    assert file.stem not in values["vlm"], "a name has one block"
    served = block.backend == "api" and block.name.count("/")
    assert not served or block.name in (block.about.serve or "")
