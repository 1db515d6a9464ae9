"""The optimiser steps of every recipe in params/recipes, against float64 in numpy: loss, gradient, weights, average.

Steps on any processor: a tiny net instead of the recipe's, float32 where it says bfloat16, one thread.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import nn
from torch.nn import functional as F

from stages.adapt.speaking import SAYING
from stages.learn import losses, schedule, stepping
from stages.learn.device import start
from stages.learn.params import Recipe
from stages.learn.stepping import Stepper
from stages.pretrain.params import LanguagePhase, VisionPhase
from stages.pretrain.schedule import Optimiser
from tests.learn.by_hand import Moments, Tiny, Training, clipped, gradients, gradients_of, outputs, weights_of

FOLDER = Path(__file__).parents[2] / "params" / "recipes"
BLOCKS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))}
#: Recipes of `pretrain`, from random weights; all others are of what trains or adapts.
PRETRAINED = {name: block for name, block in BLOCKS.items() if "recipe" not in block}
#: Of these the one of two phases, whose steps are looked at here.
PHASES = {name: block for name, block in PRETRAINED.items() if "vision" in block and "language" in block}
STEPS = 16
#: float32 against float64, after at most 16 steps: losses and gradients by their size, weights by the largest rate too.
LOSS, GRADIENT, WEIGHT = 1e-4, 1e-4, 2e-3


def recipes() -> Iterator[Any]:
    """Yield each recipe of params/recipes with what it learns: captions, or either kind of labels of any data set."""
    for name, block in BLOCKS.items():
        if name not in PRETRAINED:
            for kind in ["captions"] if block.get("kind") == "captions" else ["single", "multi"]:
                yield pytest.param(Recipe(**block["recipe"]), kind, id=f"{name}, {kind}")
    common = {
        "seed": 3,
        "threads": 1,
        "epochs": 5,
        "batch": 7,
        "rate": 0.02,
        "layer_decay": 0.6,
        "head_factor": 4,
        "smoothing": 0.2,
        "mixup": 0.7,
        "average": 0.8,
        "clip": 0.3,
        "accumulate": 3,
    }
    yield pytest.param(Recipe(**common, warmup=1.5, decay="linear"), "single", id="everything, adamw")
    sgd = {"optimiser": "sgd", "decay": "steps", "milestones": [2, 3], "warmup": 0.5, "weight_decay": 0.1}
    yield pytest.param(Recipe(**common, **sgd), "multi", id="everything, sgd")


class Points:
    """24 points of three classes, of unequal numbers, or with labels of which some hold for none."""

    def __init__(self, kind: str) -> None:
        rng = np.random.default_rng(0)
        self.points = torch.from_numpy(rng.normal(size=(24, 4))).float()
        single = torch.from_numpy(rng.choice(3, 24, p=[0.6, 0.3, 0.1]))
        many = torch.from_numpy(rng.random((24, 3)) < [0.6, 0.3, 0.1]).float()
        self.targets = {"single": single, "multi": many, "captions": torch.zeros(24, 1)}[kind]

    def __len__(self) -> int:
        return len(self.points)

    def inputs(self, indices: Any, epoch: int | None, device: torch.device) -> dict[str, torch.Tensor]:
        return {"points": self.points[list(indices)].to(device)}


def close(found: dict[str, Any], wanted: dict[str, Any], tolerance: float, floor: float) -> None:
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=tolerance, atol=floor, err_msg=name)


def check(recipe: Recipe, kind: str) -> None:
    """Take steps of both; they must agree in each."""
    recipe = recipe.model_copy(update={"precision": "float32", "threads": 1})
    source = Points(kind)
    accelerator = start(recipe)
    torch.manual_seed(1)
    net = Tiny(1 if kind == "captions" else 3)
    hand = Training(net, source.points.double().numpy(), source.targets.numpy(), recipe, kind == "captions")
    stepper = Stepper(accelerator, net, source, recipe, "tiny", SAYING if kind == "captions" else None)
    for number in range(min(STEPS, stepper.steps)):
        loss = stepper.take(number)
        wanted, gradient = hand.step(number)
        assert loss == pytest.approx(wanted, rel=LOSS, abs=LOSS), f"loss of step {number}"
        size = max(float(np.abs(value).max()) for value in gradient.values())
        close(gradients_of(net), gradient, GRADIENT, GRADIENT * size)
        close(weights_of(net), hand.weights, 1e-5, WEIGHT * recipe.rate)
        if stepper.shadow is not None:
            shadow = {name: value.double().numpy() for name, value in stepper.shadow.items()}
            close(shadow, hand.average, 1e-5, WEIGHT * recipe.rate)


@pytest.mark.parametrize(("recipe", "kind"), recipes())
def test_steps_are_those_computed_by_hand(recipe: Recipe, kind: str) -> None:
    check(recipe, kind)


def test_every_recipe_of_the_params_is_among_them() -> None:
    found = {one.id.partition(",")[0] for one in recipes()}
    assert found - {"everything"} == {path.stem for path in FOLDER.iterdir()} - PRETRAINED.keys()
    assert PRETRAINED.keys() == {"embedded", "pose", "speaker"}
    assert PHASES.keys() == {"embedded"}
    assert {"full_videomae", "r2plus1d", "table_ft_c_lora", "captions", "newborn_ft_lc"} <= found


def everything(optimiser: str) -> tuple[Recipe, str]:
    recipe, kind = next(one.values for one in recipes() if one.id == f"everything, {optimiser}")
    return recipe, kind


def _decay_everywhere(model: nn.Module, recipe: Recipe, groups: Any = schedule.groups) -> Any:
    return [group | {"weight_decay": recipe.weight_decay} for group in groups(model, recipe)]


def _factors(model: nn.Module, recipe: Recipe, groups: Any = schedule.groups) -> Any:
    return groups(model, recipe.model_copy(update={"head_factor": 1.0}))


def _one_layer_lower(names: Any, depths: Any = schedule._depths) -> Any:
    return {name: max(0, depth - name.startswith("norm")) for name, depth in depths(names).items()}


def _unweighted(targets: torch.Tensor, *_: Any) -> torch.Tensor:
    return torch.ones(3)


def _lost_moments(self: Stepper, *_: Any) -> None:
    self.optimiser.state.clear()


_follow, _take = Stepper._follow, Stepper.take

#: What is broken -> where, with what, and which of the two handmade recipes must notice.
FAULTS: dict[str, tuple[Any, str, Any, str]] = {
    "decay of biases and norms": (schedule, "groups", _decay_everywhere, "adamw"),
    "decay of biases and norms, sgd": (schedule, "groups", _decay_everywhere, "sgd"),
    "no factor of the head": (schedule, "groups", _factors, "adamw"),
    "a norm one layer lower": (schedule, "_depths", _one_layer_lower, "adamw"),
    "warm-up one step late": (stepping, "rate", lambda *a: schedule.rate(a[0], max(0, a[1] - 1), *a[2:]), "adamw"),
    "warm-up one step early": (stepping, "rate", lambda *a: schedule.rate(a[0], a[1] + 1, *a[2:]), "adamw"),
    "milestones one step late": (stepping, "rate", lambda *a: schedule.rate(a[0], max(0, a[1] - 1), *a[2:]), "sgd"),
    "no class weights": (losses, "class_weights", _unweighted, "adamw"),
    "no weights of positives": (losses, "positive_weights", _unweighted, "sgd"),
    "average of the step before": (Stepper, "_follow", lambda self, step: _follow(self, step + 1), "adamw"),
    "moments lost": (Stepper, "_follow", lambda self, step: (_follow(self, step), _lost_moments(self)), "adamw"),
    "momentum lost": (Stepper, "_follow", lambda self, step: (_follow(self, step), _lost_moments(self)), "sgd"),
    "no mixup": (Stepper, "_mixed", lambda self, step, picked: (list(picked), 1.0), "adamw"),
    "another epoch's order": (Stepper, "picked", lambda self, step, plain=Stepper.picked: plain(self, step + 4), "sgd"),
    "a piece left out": (Stepper, "_mine", lambda self, picked, piece: (0, np.arange(2)), "adamw"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_steps_is_noticed(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, name, broken, optimiser = FAULTS[fault]
    monkeypatch.setattr(place, name, broken)
    with pytest.raises(AssertionError):
        check(*everything(optimiser))


@pytest.mark.parametrize(
    "changed", [{"clip": None}, {"clip": 0.31}, {"smoothing": 0.0}, {"layer_decay": 1.0}, {"weight_decay": 0.0}]
)
def test_each_param_has_its_effect(changed: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """What the net learns under a param that is passed over is not what it learns by hand."""
    recipe, kind = everything("adamw")
    take: Callable[..., Any] = Stepper.__init__

    def other(self: Stepper, accelerator: Any, model: Any, train: Any, recipe: Recipe, *more: Any) -> None:
        take(self, accelerator, model, train, recipe.model_copy(update=changed), *more)

    monkeypatch.setattr(Stepper, "__init__", other)
    with pytest.raises(AssertionError):
        check(recipe, kind)


@pytest.mark.parametrize(
    "phase",
    [
        pytest.param(kind(**block[name]), id=f"{model}.{name}")
        for model, block in PHASES.items()
        for name, kind in (("vision", VisionPhase), ("language", LanguagePhase))
    ],
)
def test_pretraining_steps_are_those_computed_by_hand(phase: Any) -> None:
    """40 steps: 4 of warm-up, then the whole cosine."""
    phase, source = phase.model_copy(update={"steps": 40}), Points("single")
    torch.manual_seed(1)
    net, points = Tiny(3), source.points.double().numpy()
    weights, moments, optimiser = weights_of(net), Moments(), Optimiser(net.parameters(), phase)
    for number in range(phase.steps):
        loss = F.cross_entropy(3 * net(source.points), source.targets)
        optimiser.step(loss)
        logits = 3 * outputs(weights, points)[0]
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        wanted = np.eye(3)[source.targets.numpy()]
        assert loss.item() == pytest.approx(-(wanted * np.log(shares)).sum(1).mean(), rel=LOSS)
        gradient = clipped(gradients(weights, points, 3 * (shares - wanted) / 24), 1.0)
        size = max(float(np.abs(value).max()) for value in gradient.values())
        close(gradients_of(net), gradient, 1e-3, 1e-3 * size)
        share = (number + 1) / 4 if number < 4 else (1 + math.cos(math.pi * (number - 4) / 36)) / 2
        # Here a table of positions decays like any matrix; vectors do not.
        moments.adamw(
            weights, gradient, lambda _, rate=phase.rate * share: rate, lambda name: 0.05 * (weights[name].ndim > 1)
        )
        close(weights_of(net), weights, 1e-5, 1e-2 * phase.rate)
