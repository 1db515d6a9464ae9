"""An objective of several terms: the first column is learnt from, each of the others is logged, also after a kill."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from stages.learn import stepping
from stages.learn.checkpoint import weights_hash
from stages.learn.curves import Curves
from stages.learn.device import start
from stages.learn.loop import fit
from stages.learn.losses import Objective, naming
from tests.learn.small import Net, Points, recipe


def objective() -> Objective:
    plain = naming(Points().targets, 3, weighted=False)

    def loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        named = F.cross_entropy(logits, wanted, reduction="none")
        size = logits.square().mean(1)
        return torch.stack([named + 0.1 * size, named, size], 1)

    return Objective(loss, plain.score, ("named", "size"))


def learnt(key: str, on_epoch=lambda _: None, **changed):
    chosen, model = recipe(epochs=3, class_weights=False, **changed), None
    accelerator = start(chosen)
    model = Net()
    given = {"key": key, "what": "points", "every": 0, "objective": objective(), "on_epoch": on_epoch}
    return model, fit(accelerator, model, Points(), Points(20, 1), chosen, **given)


def test_each_epoch_tells_the_means_of_its_terms(tmp_path):
    with Curves(tmp_path / "curves") as curves:
        _, fitted = learnt("whole", curves.log, accumulate=2)
    for epoch in fitted.history:
        assert set(epoch.terms) == {"named", "size"}
        assert epoch.train_loss == pytest.approx(epoch.terms["named"] + 0.1 * epoch.terms["size"], rel=1e-5)
    drawn = (tmp_path / "curves/named.tsv").read_text().split()
    named = [one.terms["named"] for one in fitted.history]
    assert [float(value) for value in drawn[3::2]] == pytest.approx(named, abs=1e-6)
    assert np.all(np.diff(named) < 0)


def test_stopped_anywhere_the_terms_are_those_of_an_undisturbed_run(monkeypatch):
    model, fitted = learnt("undisturbed")
    take = stepping.Stepper.take
    for stop in (1, 8, 15):

        def broken(self, step, stop=stop):
            if step == stop:
                raise RuntimeError("power")
            return take(self, step)

        monkeypatch.setattr(stepping.Stepper, "take", broken)
        with pytest.raises(RuntimeError):
            learnt(f"stopped {stop}")
        monkeypatch.setattr(stepping.Stepper, "take", take)
        again, resumed = learnt(f"stopped {stop}")
        assert resumed.cached == stop
        assert resumed.history == fitted.history
        assert weights_hash(again) == weights_hash(model)
