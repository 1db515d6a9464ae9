"""papers/newborn_lora has no cell until its study is made active; then every cell is whole and DVC resolves it."""

import re
import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT, dvc
from tests.pipeline import graph

PAPER = ROOT / "papers/newborn_lora"
#: The params as the comments beside each empty list say to write them, once the recordings are there.
ACTIVE = re.sub(r"(?m)^(\w+: (?:&\w+ )?)\{\} # (\{<<: \*\w+\}).*$", r"\1\2", (PAPER / "params.yaml").read_text())
VALUES = yaml.safe_load(ACTIVE)
BODIES = yaml.safe_load((PAPER / "dvc.yaml").read_text())["stages"]
STAGES = [stage for stage in graph.stages() if stage.pipeline.parent == PAPER]
#: Stages that the study has cells of: one a data set, a model, an answer, a training.
CELLS = {"model": 4, "infer": 12, "train": 1, "adapt": 8} | dict.fromkeys(
    ["ingest", "keyframes_kept", "keywords", "caption", "nulls", "measure", "score", "report"], 1
)


def block(folder: str, name: str) -> dict:
    return yaml.safe_load((ROOT / "params" / folder / f"{name}.yaml").read_text())


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_params_fit_once_the_study_is_active(stage: graph.Stage) -> None:
    assert stage.cells == ()
    cells = graph.cells_of(BODIES[stage.name], VALUES)
    assert len(cells) == CELLS.get(stage.name, 0)
    for cell in cells:
        graph.check_params(stage, cell)


def test_all_of_the_study_is_active_and_every_row_is_a_method() -> None:
    study = VALUES["study"]
    for part, records in study.items():
        assert VALUES[part] == records, part
    assert VALUES["methods"] == study["asked"] | study["trained"] | study["adapted"]
    assert VALUES["datasets"] == study["kept"]


@pytest.mark.slow
def test_dvc_resolves_every_cell(tmp_path: Path) -> None:
    place = tmp_path / "papers/newborn_lora"
    place.mkdir(parents=True)
    shutil.copy(PAPER / "dvc.yaml", place)
    shutil.copytree(ROOT / "params", tmp_path / "params")
    dvc("init", "-q", "--no-scm", cwd=tmp_path)
    for text, cells in (((PAPER / "params.yaml").read_text(), 0), (ACTIVE, sum(CELLS.values()))):
        (place / "params.yaml").write_text(text)
        listed = dvc("stage", "list", "papers/newborn_lora/dvc.yaml", cwd=tmp_path).splitlines()
        assert len([line for line in listed if "@" in line.split(" ")[0]]) == cells


def test_ft_c_lora_is_the_papers_and_the_other_row_is_named_for_what_it_is() -> None:
    """LoRA of rank 16, alpha 32 and dropout 0.1 on q, k, v, o of the language model."""
    papers = {
        "rank": 16,
        "alpha": 32,
        "dropout": 0.1,
        "targets": ["q_proj", "k_proj", "v_proj", "o_proj"],
        "parts": ["language"],
    }
    for name in ("newborn_ft_c_lora", "ft_c_lora", "table_ft_c_lora"):
        assert block("recipes", name)["lora"] == papers
    assert "vision" in block("recipes", "table_ft_c_lora_vision")["lora"]["parts"]
    root = yaml.safe_load((ROOT / "params.yaml").read_text())["adapted"]
    assert root["home_embedded_ft_c_lora_cs"]["recipe"] == "ft_c_lora"
    assert root["resuscitation_embedded_ft_c_lora_unseen_recordings"]["recipe"] == "table_ft_c_lora"
    vision = root["resuscitation_embedded_ft_c_lora_vision_unseen_recordings"]
    assert (vision["recipe"], "vision" in vision["title"]) == ("table_ft_c_lora_vision", True)


def test_values_that_the_authors_code_states() -> None:
    recipe = block("recipes", "newborn_ft_c_lora")["recipe"]
    assert (recipe["rate"], recipe["batch"], recipe["epochs"]) == (5e-5, 1, 1)
    assert recipe["checkpointing"], "without it a 7B model takes 28 GiB, and a card of 24 GB is what it is said to need"
    assert all(strategy["text_first"] for strategy in VALUES["strategies"].values())
    judge = VALUES["strategies"]["judge"]["text_model"]
    assert judge["name"] == "mistralai/Mistral-7B-Instruct-v0.1"
    thresholds = block("datasets", "newborn_lora")["score"]["sets"]["thresholds"]
    assert [0.457, 0.303, 0.388, 0.378] in [
        list(each.values()) for each in thresholds.values() if isinstance(each, dict)
    ]
