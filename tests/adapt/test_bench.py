"""The throughput run works, at tiny size and on a CPU; its large shape is that of the model."""

import pytest
import torch

from bench import adapt
from bench.vlm import ARCHITECTURES, engine_of, transformers


def test_every_batch_has_its_figures(capsys: pytest.CaptureFixture[str]) -> None:
    shape, work = adapt.SHAPES["tiny"], set()
    for checkpointing in (False, True):
        adapt.report(engine_of(shape, "float32", 1, "cpu"), shape.frames, 2, [1, 3], checkpointing, 1)
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].startswith("processor (one core): ")
        assert [len(line.split()) for line in lines[-2:]] == [8, 8]
        work |= {line.split()[4] for line in lines[-2:]}
    assert len(work) == 1  # what is computed again to save memory is no work on the clip


def test_the_shape_is_that_of_the_model() -> None:
    shape = adapt.SHAPES["llava-next-video-7b"]
    config, _ = ARCHITECTURES[shape.architecture](shape.text, shape.vision)
    with torch.device("meta"):
        model = transformers.AutoModelForImageTextToText.from_config(config)
    billions = sum(parameter.numel() for parameter in model.parameters()) / 1e9
    assert billions == pytest.approx(7.06, abs=0.02)
