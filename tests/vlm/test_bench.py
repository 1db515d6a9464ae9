"""The throughput run works, at tiny size and on a CPU."""

import re

import pytest
import torch

from bench import vlm


def test_every_batch_has_its_figures(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vlm, "bandwidth", lambda _: 1e10)  # a copy of a gibibyte measures the machine, not us
    shape = vlm.SHAPES["tiny"]
    engine = vlm.engine_of(shape, "float32", tokens=3, device="cpu")
    vlm.report(engine, shape, vlm.clips(4, shape.frames), batches=[1, 4, 8], single=1)
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"generate, one by one \(1 clips\): .* clips/s, .* tokens/s", lines[0])
    assert [len(line.split()) for line in lines[4:6]] == [8, 8]
    assert "--clips 8 or more" in lines[6]


@pytest.mark.parametrize("name", ["internvl3-8b", "llama-3.2-11b-vision"])
def test_the_shapes_are_those_of_the_models(name: str) -> None:
    shape = vlm.SHAPES[name]
    config, _ = vlm.ARCHITECTURES[shape.architecture](shape.text, shape.vision)
    with torch.device("meta"):
        model = vlm.transformers.AutoModelForImageTextToText.from_config(config)
    billions = sum(parameter.numel() for parameter in model.parameters()) / 1e9
    assert billions == pytest.approx({"internvl3-8b": 7.94, "llama-3.2-11b-vision": 10.67}[name], abs=0.02)
