"""Models as files of params/models: what DVC resolves of one is what the stage reads, by the graph and by hand."""

import shutil
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from stages.base import params
from stages.base.errors import InputError
from stages.encoders.params import EncoderParams
from stages.streams.params import FinderParams
from stages.vlm.params import MaybeVlmParams, VlmParams
from tests.pipeline import graph

#: Nobody, what learnt here or has no weights, and texts that papers published: DATA.md has their licences.
OURS = (
    "none",
    "embedded",
    "pose",
    "speaker",
    "truth",
    "opencv",
    *(path.stem for path in (graph.ROOT / "params/models").glob("published_*.yaml")),
)
FILES = sorted((graph.ROOT / "params" / "models").glob("*.yaml"))
PIPELINE = """
stages:
  infer:
    foreach: ${asked}
    do:
      cmd: echo ${item.model}
      params:
        - params/datasets/${item.dataset}.yaml: [infer, score.confidence]
        - params/models/${item.model}.yaml:
        - params.yaml: ["strategies.${item.strategy}"]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(graph.ROOT / "params", tmp_path / "params")
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text(
        "asked: {x: {dataset: home, model: gpt_4o, strategy: list}}\nstrategies: {list: {}}\nvlm: {own: {a: 1}}\n"
    )
    params.forget()
    yield tmp_path
    params.forget()


def test_a_cell_takes_its_model_from_the_models_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_STAGE", "dvc.yaml:infer@x")
    block = yaml.safe_load((project / "params/models/gpt_4o.yaml").read_text())
    home = yaml.safe_load((project / "params/datasets/home.yaml").read_text())
    assert params.declared_values() == {
        "infer": {"home": home["infer"]},
        "score": {"home": {"confidence": home["score"]["confidence"]}},
        "vlm": {"gpt_4o": block},
        "strategies": {"list": {}},
    }
    assert params.read({"vlm.{model}": VlmParams}, model="gpt_4o")["vlm.{model}"].name == "gpt-4o-2024-11-20"


def test_by_hand_a_file_is_a_block_and_params_yaml_wins(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    (project / "params/models/own.yaml").write_text("a: 2")
    known = params.declared_values()["vlm"]
    assert known["own"] == {"a": 1}
    assert set(known) == {"own", *(file.stem for file in FILES)}


@pytest.mark.parametrize(
    ("file", "key", "where"),
    [
        ("params/models/gpt_4o.yaml", None, "vlm.gpt_4o"),
        ("params/models/gpt_4o.yaml", "frames", "vlm.gpt_4o.frames"),
        ("params/recipes/ft_lc.yaml", None, "recipes.ft_lc"),
        ("params/recipes/ft_lc.yaml", "recipe.seed", "recipes.ft_lc.recipe.seed"),
        ("params/datasets/home.yaml", None, ""),
        ("params/datasets/home.yaml", "ingest", "ingest.home"),
        ("params/datasets/home.yaml", "score.thresholds.judge", "score.home.thresholds.judge"),
        ("params.yaml", "strategies.list", "strategies.list"),
        ("papers/one/params.yaml", "methods", "methods"),
    ],
)
def test_where_a_key_of_a_file_is_among_all_params(file: str, key: str | None, where: str) -> None:
    assert params.place(file, key) == where


def test_by_hand_all_files_are_there_each_block_by_data_set(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_STAGE", raising=False)
    known = params.declared_values()
    for kind, key in (("datasets", "ingest"), ("recipes", "recipes")):
        files = list((project / "params" / kind).glob("*.yaml"))
        assert set(known[key]) == {path.stem for path in files if kind != "datasets" or "\ningest:" in path.read_text()}


def test_what_a_record_names_and_is_not_there_is_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "params/datasets/home.yaml").write_text("score: {confidence: 0.95}\n")
    monkeypatch.setenv("DVC_STAGE", "dvc.yaml:infer@x")
    with pytest.raises(InputError, match=r"params/datasets/home\.yaml, key 'infer': no such param"):
        params.declared_values()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_one_block_with_its_licence(file: Path) -> None:
    given = yaml.safe_load(file.read_text())
    finds = given["backend"] in ("truth", "opencv", "sam2", "blazepose")
    kind = FinderParams if finds else MaybeVlmParams | EncoderParams
    block = TypeAdapter(kind).validate_python(given)
    values = graph.params_of(graph.ROOT / "dvc.yaml")
    assert not {"vlm", "recipes", "ingest"} & set(values), "a name has one block"
    if file.stem in OURS:
        return
    assert block.about is not None
    assert block.about.licence
    served = block.backend == "api" and block.name.count("/")
    assert not served or block.name in (block.about.serve or "")
