"""papers/newborn_lora has no cell until a user names a data set; filled, every cell is whole and DVC resolves it."""

import shutil
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from tests.conftest import ROOT, dvc
from tests.pipeline import graph
from tests.pipeline.test_graph import filled

PAPER = ROOT / "papers/newborn_lora"
VALUES = yaml.safe_load((PAPER / "params.yaml").read_text()) | {"datasets": ["newborn_lora"]}
STAGES = [stage for stage in graph.stages() if stage.pipeline.parent == PAPER]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_params_fit_once_a_data_set_is_named(stage: graph.Stage) -> None:
    assert stage.cells == ()
    cells = graph._cells(stage.body, VALUES)
    assert cells
    (listed,) = (next(iter(entry.values())) for entry in stage.body["params"])
    for cell in cells:
        have = {stage.filled(key, cell) for key in listed}
        words = stage.filled(stage.words, cell).split()
        read = {filled(declared, have, words): kind for declared, kind in graph.declared(stage.room).items()}
        assert set(read) == have
        for key, kind in read.items():
            TypeAdapter(kind).validate_python(graph.lookup(VALUES, key))


@pytest.mark.slow
def test_dvc_resolves_every_cell(tmp_path: Path) -> None:
    place = tmp_path / "papers/newborn_lora"
    place.mkdir(parents=True)
    shutil.copy(PAPER / "dvc.yaml", place)
    dvc("init", "-q", "--no-scm", cwd=tmp_path)
    for datasets, cells in (([], 0), (["newborn_lora"], sum(len(graph._cells(one.body, VALUES)) for one in STAGES))):
        (place / "params.yaml").write_text(yaml.safe_dump(VALUES | {"datasets": datasets}))
        listed = dvc("stage", "list", "papers/newborn_lora/dvc.yaml", cwd=tmp_path).splitlines()
        assert len([line for line in listed if "@" in line.split(" ")[0]]) == cells


def test_ft_c_lora_is_the_papers_and_the_other_row_is_named_for_what_it_is() -> None:
    """LoRA of rank 16, alpha 32 and dropout 0.1 on q, k, v, o of the language model."""
    root = yaml.safe_load((ROOT / "params.yaml").read_text())
    papers = {
        "rank": 16,
        "alpha": 32,
        "dropout": 0.1,
        "targets": ["q_proj", "k_proj", "v_proj", "o_proj"],
        "parts": ["language"],
    }
    assert VALUES["adapt"]["newborn_lora"]["ft_c_lora"]["lora"] == papers
    for dataset in ("home", "resuscitation"):
        assert root["adapt"][dataset]["ft_c_lora"]["lora"] == papers
    assert "vision" in root["adapt"]["resuscitation"]["ft_c_lora_vision"]["lora"]["parts"]


def test_values_that_the_authors_code_states() -> None:
    recipe = VALUES["adapt"]["newborn_lora"]["ft_c_lora"]["recipe"]
    assert (recipe["rate"], recipe["batch"], recipe["epochs"]) == (5e-5, 1, 1)
    assert recipe["checkpointing"], "without it a 7B model takes 28 GiB, and a card of 24 GB is what it is said to need"
    assert all(strategy["text_first"] for strategy in VALUES["strategies"].values())
    judge = VALUES["strategies"]["judge"]["text_model"]
    assert judge["name"] == "mistralai/Mistral-7B-Instruct-v0.1"
    thresholds = VALUES["scored"]["newborn_lora"]["sets"]["thresholds"]
    assert [0.457, 0.303, 0.388, 0.378] in [
        list(each.values()) for each in thresholds.values() if isinstance(each, dict)
    ]
