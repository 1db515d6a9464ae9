"""The throughput run works, at tiny size and on a CPU."""

from __future__ import annotations

import re

import pytest
import torch

from bench import train
from stages.nets.models import Shape, build


def test_both_loops_have_their_figures(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train.os, "sched_getaffinity", lambda _: {0})
    train.report(train.CASES["tiny"], count=4, batch=2, epochs=1, precision="float32", checkpointing=False)
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"videomae, 0\.\d M weights, 8 frames of 80 x 64, batch 2, float32", lines[0])
    assert re.match(r"kept frames: .* clips/s; .* GFLOP a clip", lines[1])
    assert re.match(r"decoding each epoch: .* clips/s", lines[2])
    assert re.match(r"ratio: \d+\.\d\d", lines[3])


def test_the_base_shape_is_timesformers() -> None:
    case = train.CASES["timesformer-base"]
    with torch.device("meta"):
        model = build(case.net, Shape(8, 224, 224), train.CLASSES).model
    assert sum(parameter.numel() for parameter in model.parameters()) / 1e6 == pytest.approx(121.3, abs=0.2)
