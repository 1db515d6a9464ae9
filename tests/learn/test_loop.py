"""What the loop promises: the same weights after a kill, the best epoch, an error for a loss that is no number."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from stages.base.errors import InputError
from stages.base.journal.store import root
from stages.learn import loop, stepping
from stages.learn.checkpoint import run_key, weights_hash
from stages.learn.curves import Curves
from stages.learn.device import predict, start
from stages.learn.loop import Epoch, Fitted, fit
from stages.learn.measures import quality
from stages.learn.schedule import rate
from tests.learn.small import Net, Points, recipe


def trained(key: str = "k", **changed: Any) -> tuple[nn.Module, Fitted, list[Epoch]]:
    chosen = recipe(**changed)
    accelerator = start(chosen)
    model, told = Net(), []
    fitted = fit(
        accelerator, model, Points(), Points(20, 1), chosen, key=key, what="points", on_epoch=told.append, every=0
    )
    return model, fitted, told


def test_learns_and_keeps_the_best_epoch():
    model, fitted, told = trained(epochs=12)
    assert fitted.history == told
    ranks = [epoch.rank for epoch in fitted.history]
    assert ranks[fitted.best - 1] == max(ranks)
    held_out = Points(20, 1)
    found = quality(predict(start(recipe()), model, held_out, 8), held_out.targets.numpy())
    assert found == max(epoch.validation_quality for epoch in told)
    assert found > 0.8


@pytest.mark.parametrize(
    "changed", [{}, {"accumulate": 2, "mixup": 0.4}, {"average": 0.9}, {"optimiser": "sgd"}, {"precision": "bfloat16"}]
)
def test_stopped_anywhere_it_comes_to_the_same_weights(monkeypatch, changed):
    model, fitted, _ = trained("whole", **changed)
    for stop in (1, 6, 20):
        key, steps = f"stopped{stop}", []

        class Power(Exception):
            pass

        take = stepping.Stepper.take

        def broken(self, step, take=take, stop=stop, steps=steps):
            if step == stop and not steps:
                steps.append(step)
                raise Power
            return take(self, step)

        monkeypatch.setattr(stepping.Stepper, "take", broken)
        with pytest.raises(Power):
            trained(key, **changed)
        again, resumed, told = trained(key, **changed)
        assert resumed.cached == stop
        assert weights_hash(again) == weights_hash(model)
        assert resumed.history == fitted.history == told


_KILLED = """
import os, signal, sys
from pathlib import Path
from stages.learn import checkpoint, stepping
from tests.learn.test_loop import trained
stop, where, take, save = int(sys.argv[1]), sys.argv[2], stepping.Stepper.take, checkpoint.torch.save
def taking(self, step):
    if where == "step" and step == stop:
        os.kill(os.getpid(), signal.SIGKILL)
    self.accelerator.at = step
    return take(self, step)
def saving(state, stream):
    if where == "save" and state.get("step", -1) == stop:
        stream.write(b"half")
        stream.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    return save(state, stream)
stepping.Stepper.take, checkpoint.torch.save = taking, saving
trained("killed")
"""


@pytest.mark.parametrize(("stop", "where"), [(13, "step"), (17, "save")])
def test_killed_it_comes_to_the_same_weights(stop, where):
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(stop), where],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    undisturbed, whole, _ = trained("whole")
    model, fitted, _ = trained("killed")
    assert fitted.cached == (stop if where == "step" else stop - 1)
    assert weights_hash(model) == weights_hash(undisturbed)
    assert fitted.history == whole.history


def test_finished_run_comes_at_once():
    model, fitted, _ = trained()
    assert sorted(path.name for path in (root() / "learn/k").iterdir()) == ["done.pt", "done.pt.sum"]
    again, recalled, told = trained()
    assert recalled.cached == recalled.steps == fitted.steps
    assert weights_hash(again) == weights_hash(model)
    assert told == fitted.history


def test_damaged_checkpoint_starts_anew(capsys):
    model, _, _ = trained()
    (root() / "learn/k/done.pt").write_bytes(b"PK torn")
    again, fitted, _ = trained()
    assert fitted.cached == 0
    assert weights_hash(again) == weights_hash(model)
    assert "left aside" in capsys.readouterr().err


def stopped(monkeypatch, key: str, stop: int) -> Path:
    """Return the folder of a run that was stopped before a step, with a state of each step before it."""
    take = stepping.Stepper.take

    def broken(self, step):
        if step == stop:
            raise KeyboardInterrupt
        return take(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(stepping.Stepper, "take", broken)
        with pytest.raises(KeyboardInterrupt):
            trained(key)
    return root() / "learn" / key


def flipped(path: Path, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[bit // 8 % len(data)] ^= 1 << bit % 8
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("damaged", "cached"),
    [(["state"], 19), (["state", "state.old"], 0), (["best"], 0), (["state.old"], 20), (["state.pt.sum"], 19)],
)
def test_one_flipped_bit_never_gives_other_weights(monkeypatch, capsys, damaged, cached):
    """Wherever it falls, the run goes on from the last good state, or from nothing, and says so."""
    model, fitted, _ = trained("whole")
    for place in (0.01, 0.3, 0.6, 0.99):
        folder = stopped(monkeypatch, f"{damaged}{place}", 20)
        for name in damaged:
            path = folder / (name if name.endswith(".sum") else f"{name}.pt")
            flipped(path, int(place * 8 * path.stat().st_size))
        capsys.readouterr()
        again, resumed, _ = trained(f"{damaged}{place}")
        said = capsys.readouterr().err
        # A flip in the second line of a .sum, the hash of the file before, harms nothing.
        assert resumed.cached in ({19, 20} if damaged == ["state.pt.sum"] else {cached})
        assert ("left aside" in said) == (resumed.cached < 20)
        assert weights_hash(again) == weights_hash(model)
        assert resumed.history == fitted.history


def test_cut_short_is_damaged(monkeypatch):
    model, *_ = trained("whole")
    for name, cached in (("best", 0), ("state", 19)):
        path = stopped(monkeypatch, name, 20) / f"{name}.pt"
        path.write_bytes(path.read_bytes()[:-7])
        again, resumed, _ = trained(name)
        assert resumed.cached == cached
        assert weights_hash(again) == weights_hash(model)


def test_weights_damaged_at_the_end_are_an_error(monkeypatch):
    folder = stopped(monkeypatch, "k", 20)
    finish = loop._Run._finish

    def finishing(self, stepper):
        flipped(folder / "best.pt", 8 * 1000)
        finish(self, stepper)

    with monkeypatch.context() as patch:
        patch.setattr(loop._Run, "_finish", finishing)
        with pytest.raises(InputError, match="start again"):
            trained("k")
    whole, *_ = trained("whole")
    again, resumed, _ = trained("k")
    assert resumed.cached == 0
    assert weights_hash(again) == weights_hash(whole)


def test_killed_between_two_files_it_goes_on(monkeypatch):
    """What a kill between any two renames leaves: a list of hashes that is ahead of its file."""
    model, *_ = trained("whole")
    for name in ("state", "state.old", "best"):
        sums = stopped(monkeypatch, name, 20) / f"{name}.pt.sum"
        sums.write_text("0" * 32 + "\n" + sums.read_text().split()[0])
        again, resumed, _ = trained(name)
        assert resumed.cached == 20
        assert weights_hash(again) == weights_hash(model)


def test_early_stop():
    _, fitted, _ = trained(epochs=200, patience=3)
    assert len(fitted.history) == fitted.best + 3


def test_early_stop_waits_for_the_first_validation():
    _, fitted, _ = trained(epochs=12, patience=2, validate_every=5)
    assert next(epoch.epoch for epoch in fitted.history if epoch.validation_loss is not None) == 5


def test_without_validation_the_last_epoch_is_kept():
    chosen = recipe(patience=1)
    fitted = fit(start(chosen), Net(), Points(), None, chosen, key="k", what="points")
    assert fitted.best == len(fitted.history) == chosen.epochs
    assert all(epoch.validation_loss is None for epoch in fitted.history)


def test_a_loss_that_is_no_number_names_the_step():
    points = Points()
    points.points[5] = float("nan")
    chosen = recipe()
    with pytest.raises(InputError, match=r"the loss is nan at step \d of 36 \(epoch 1\)(.|\n)*lower `rate`"):
        fit(start(chosen), Net(), points, None, chosen, key="k", what="points")


def test_pieces_of_a_step_add_up_to_it():
    weights = []
    for accumulate in (1, 4):
        chosen = recipe(accumulate=accumulate, epochs=2)
        accelerator = start(chosen)
        model = nn.Sequential(nn.Linear(4, 3))
        model.forward = lambda points, model=model: model[0](points)
        fit(accelerator, model, Points(), None, chosen, key=str(accumulate), what="points")
        weights.append(model[0].weight.detach())
    assert torch.allclose(weights[0], weights[1], atol=1e-6)


def test_several_labels():
    chosen = recipe(epochs=15)
    accelerator = start(chosen)
    model, held_out = Net(), Points(20, 1, many=True)
    fitted = fit(accelerator, model, Points(many=True), held_out, chosen, key="k", what="points")
    assert max(epoch.validation_quality for epoch in fitted.history) > 0.8


def test_frozen_weights_are_neither_trained_nor_saved():
    chosen = recipe(epochs=2)
    accelerator = start(chosen)
    model = Net()
    model.body.requires_grad_(False)
    before = model.body[0].weight.clone()
    fit(accelerator, model, Points(), None, chosen, key="k", what="points")
    assert torch.equal(model.body[0].weight.cpu(), before)
    saved = torch.load(root() / "learn/k/done.pt", weights_only=True)["weights"]
    assert set(saved) == {"head.weight", "head.bias"}


def test_curves_of_a_resumed_run_are_those_of_a_whole_one(tmp_path):
    _, fitted, _ = trained()
    texts = []
    for name in ("a", "b"):
        with Curves(tmp_path / name) as curves:
            for epoch in fitted.history:
                curves.log(epoch)
        texts.append({path.name: path.read_text() for path in (tmp_path / name).iterdir()})
    assert texts[0] == texts[1]
    assert sorted(texts[0]) == ["rate.tsv", "train_loss.tsv", "validation_loss.tsv", "validation_quality.tsv"]
    header, first, *rest = texts[0]["train_loss.tsv"].splitlines()
    assert header.split("\t") == ["step", "train_loss"]
    assert first.split("\t")[0] == "1"
    assert len(rest) + 1 == len(fitted.history)


@pytest.mark.parametrize("decay", ["linear", "cosine", "constant"])
def test_rate_rises_over_the_warm_up_and_falls(decay):
    chosen = recipe(decay=decay, warmup=2.0)
    rates = [rate(chosen, step, 60, 10) for step in range(60)]
    assert np.all(np.diff(rates[:21]) > 0)
    assert max(rates) == rates[20] == chosen.rate
    assert rates[-1] == chosen.rate if decay == "constant" else 0 < rates[-1] < chosen.rate / 20


def test_rate_falls_tenfold_after_each_milestone():
    chosen = recipe(decay="steps", milestones=[2, 4], warmup=0)
    rates = [rate(chosen, step, 60, 10) for step in range(60)]
    assert rates[:20] == [0.01] * 20
    assert rates[20:40] == pytest.approx([0.001] * 20)
    assert rates[40:] == pytest.approx([0.0001] * 20)
    with pytest.raises(ValueError, match="milestones"):
        recipe(decay="cosine", milestones=[2])


def test_key_knows_the_device():
    assert run_key(torch.device("cpu"), 1, a=1) != run_key(torch.device("cuda"), 1, a=1)
