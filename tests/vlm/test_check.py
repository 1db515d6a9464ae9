"""What is known of a model before its weights are here."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from stages.base.errors import InputError
from stages.vlm.check import check, config_of, read_block
from stages.vlm.params import LocalParams
from stages.weights.unchanged import FILL_IN
from tests.conftest import ROOT
from tests.vlm.given import params

#: Those that are asked; who finds people or only sees them is no model of a question.
FILES = [
    file
    for file in sorted((ROOT / "params" / "models").glob("*.yaml"))
    if yaml.safe_load(file.read_text())["backend"] in ("local", "api", "recorded", "none")
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_transformers_has_the_classes_and_the_weights_count_as_stated(file: Path) -> None:
    block = read_block(file)
    if isinstance(block, LocalParams) and block.revision is None and not Path(block.name).exists():
        with pytest.raises(InputError, match="run the stage that makes the model"):
            check(file)
        return
    lines = check(file)
    print("\n".join(lines))
    if not isinstance(block, LocalParams):
        assert lines[0].startswith(
            f"{file}: {getattr(block, 'name', getattr(block, 'file', 'nobody'))} ({block.backend}"
        )
        return
    if block.revision is None:  # a folder
        assert "classes: " in lines[1]
        assert "takes a system's turn" in lines[2]
    else:
        assert "skipped" in lines[-2], "no hub here"
    if block.about is None:
        return
    counted, gib = (float(lines[-1].split(mark)[0].split()[-1]) for mark in (" billion", " GiB"))
    assert counted == pytest.approx(block.about.parameters, rel=0.06)
    assert gib == pytest.approx(block.about.memory, rel=0.08)


def test_the_template_of_a_model_at_hand_takes_our_messages(tiny_model: Callable[[str], Path], tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(params(tiny_model("smolvlm")).model_dump()))
    lines = check(file)
    assert "takes a system's turn, images and text" in lines[2]
    assert "the model's config.json" in lines[3]


def test_an_architecture_that_transformers_lacks_is_named(tmp_path: Path) -> None:
    file = tmp_path / "odd.yaml"
    about = {"licence": "MIT", "config": {"model_type": "deepseek_vl2"}}
    file.write_text(yaml.safe_dump(params("owner/odd", revision=FILL_IN).model_dump() | {"about": about}))
    with pytest.raises(InputError, match="deepseek_vl2"):
        config_of(read_block(file), file)
