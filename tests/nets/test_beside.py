"""A head that only training needs: it learns with the model, and leaves nothing in what is saved and used."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from stages.learn.device import logits_of
from stages.learn.schedule import groups
from stages.nets.beside import attach, detach, width_of
from stages.nets.models import build, save
from tests.learn.small import recipe
from tests.nets.small import ARCHITECTURES, CLASSES, SHAPE, net


def built(architecture: str):
    torch.manual_seed(0)
    return build(net(architecture), SHAPE, CLASSES)


def flops(model: nn.Module) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(pixel_values=torch.zeros(2, 4, 3, 32, 48))
    return counter.get_total_flops()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_sees_what_the_models_own_head_sees_and_is_gone_without_a_trace(architecture, tmp_path):
    plain, student = built(architecture), built(architecture)
    head = nn.Linear(width_of(student.model), 7)
    attach(student.model, head)
    clips = torch.randn(2, 4, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        own = logits_of(plain.model.eval(), {"pixel_values": clips})
        both = logits_of(student.model.eval(), {"pixel_values": clips})
    assert both.shape == (2, len(CLASSES) + 7)
    assert torch.equal(both[:, : len(CLASSES)], own)
    assert flops(student.model) > flops(plain.model)
    # Its gradient reaches the model's first weights: a regression that teaches the head alone would be for nothing.
    student.model.train()
    logits_of(student.model, {"pixel_values": clips})[:, len(CLASSES) :].square().sum().backward()
    first = next(iter(student.model.parameters()))
    assert first.grad is not None
    assert first.grad.abs().sum() > 0

    detach(student.model)
    parameters = [(name, tuple(value.shape)) for name, value in plain.model.named_parameters()]
    assert [(name, tuple(value.shape)) for name, value in student.model.named_parameters()] == parameters
    assert flops(student.model) == flops(plain.model)
    for name, model in (("plain", plain), ("student", student)):
        save(net(architecture), model, SHAPE, CLASSES, tmp_path / name)
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("plain", "student")]
    assert {name: value.shape for name, value in weights[0].items()} == {n: v.shape for n, v in weights[1].items()}
    assert sum(value.nbytes for value in weights[0].values()) == sum(value.nbytes for value in weights[1].values())


def test_the_optimiser_takes_it_for_a_head():
    model = built("swin3d").model
    attach(model, nn.Linear(width_of(model), 7))
    factors = {
        id(parameter): group["factor"]
        for group in groups(model, recipe(layer_decay=0.5, head_factor=3.0))
        for parameter in group["params"]
    }
    assert factors[id(model.heads["beside"].weight)] == factors[id(model.head.weight)] == 3.0
