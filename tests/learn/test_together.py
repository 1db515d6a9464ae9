"""Two processes of gloo learn what one learns: dropout, batch norm, mixup, pieces, averaged weights, best epoch."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.processes import joined

WORK = """
import sys
import torch
from stages.learn.device import start
from stages.learn.loop import fit
from tests.learn.small import Net, Points, recipe
chosen = recipe(epochs=4, batch=5, accumulate=2, mixup=0.4, average=0.9)
accelerator = start(chosen)
net = Net()
net.body[0].bias = None  # before a batch norm its gradient is 0 but for rounding, which AdamW makes as large as any
fitted = fit(accelerator, net, Points(), Points(20, 1), chosen, key="k", what="points")
found = {"weights": net.state_dict(), "history": [list(one) for one in fitted.history], "best": fitted.best,
         "processes": accelerator.num_processes}
torch.save(found, f"{sys.argv[1]}.{accelerator.process_index}")
"""


def learnt(folder: Path, processes: int) -> list[dict]:
    """Return what each of the processes ends with."""
    journal = folder / f"j{processes}"
    assert joined(journal, processes, "-c", WORK, str(folder / str(processes))) == [0] * processes
    return [torch.load(folder / f"{processes}.{rank}", weights_only=True) for rank in range(processes)]


def test_two_processes_learn_what_one_learns(tmp_path: Path) -> None:
    (one,), (first, second) = learnt(tmp_path, 1), learnt(tmp_path, 2)
    assert (one["processes"], first["processes"]) == (1, 2)
    assert first["history"] == second["history"]
    for name, value in first["weights"].items():  # the batch norms' running statistics are among them
        assert torch.equal(value, second["weights"][name]), name
        torch.testing.assert_close(value, one["weights"][name], atol=2e-4, rtol=2e-4)
    assert first["best"] == one["best"]
    for mine, alone in zip(first["history"], one["history"], strict=True):
        assert mine == pytest.approx(alone, abs=2e-4)
