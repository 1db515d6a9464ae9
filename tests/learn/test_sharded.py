"""Two processes of gloo that shard learn what one learns: batch norms, LoRA, a frozen model outside."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from stages.base.errors import InputError
from stages.learn.checkpoint import run_key
from stages.learn.device import start
from stages.learn.sharded import plugin, shard
from tests.learn.run_sharded import Before, language, net
from tests.learn.small import recipe
from tests.processes import TO_SHARD, joined

KINDS: dict[str, Callable[[], torch.nn.Module]] = {"net": net, "before": Before, "lora": language}
STEPS = 20


def run(folder: Path, processes: int, killed_at: int = -1, **environment: str) -> list[Any]:
    """Return what each of the processes ends with."""
    command = ("-m", "tests.learn.run_sharded", str(folder / "out"), str(killed_at))
    ended = joined(folder, processes, *command, **environment)
    assert ended == [0 if killed_at < 0 else -signal.SIGKILL] * processes
    return [torch.load(folder / f"out.{rank}", weights_only=True) for rank in range(processes)] if killed_at < 0 else []


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    return run(tmp_path_factory.mktemp("whole"), 2, **TO_SHARD)


def test_two_processes_that_shard_learn_what_one_learns(whole_run: list[Any], tmp_path: Path) -> None:
    (alone,) = run(tmp_path, 1)
    for kind, make in KINDS.items():
        one, (first, second) = alone[kind], (each[kind] for each in whole_run)
        assert len(one["losses"]) == STEPS
        assert first["losses"] == second["losses"]
        print(kind, max(abs(a - b) for a, b in zip(first["losses"], one["losses"], strict=True)))
        assert first["losses"] == pytest.approx(one["losses"], abs=1e-4)
        for mine, known in zip(first["history"], one["history"], strict=True):
            assert mine == pytest.approx(known, abs=1e-4)
        torch.testing.assert_close(first["logits"], one["logits"], atol=1e-4, rtol=1e-4)
        for name, value in first["weights"].items():
            assert torch.equal(value, second["weights"][name]), name
            torch.testing.assert_close(value, one["weights"][name], atol=2e-4, rtol=2e-4)
        plain = make()
        plain.load_state_dict(first["weights"])  # what is whole again loads where nothing is sharded


def test_each_process_holds_its_part(whole_run: list[Any]) -> None:
    """Of frozen weights, of those that learn, and of their moments."""
    for kind in KINDS:
        for what in ("held", "moments"):
            first, second = (each[kind][what] for each in whole_run)
            assert first.keys() == second.keys()
            for name, (part, count) in first.items():
                assert part + second[name][0] == count, name
            share = sum(part for part, _ in first.values()) / sum(count for _, count in first.values())
            assert 0.5 <= share < 0.65, (kind, what)  # of three rows one process has two


def test_a_killed_run_goes_on_to_the_same_weights(whole_run: list[Any], tmp_path: Path) -> None:
    """What is finished then comes whole from its checkpoint; LoRA goes on from its twelfth step."""
    run(tmp_path, 2, 12, **TO_SHARD)
    for again, known in zip(run(tmp_path, 2, **TO_SHARD), whole_run, strict=True):
        assert [again[kind]["cached"] for kind in KINDS] == [STEPS, STEPS, 12]
        assert again["lora"]["losses"] == known["lora"]["losses"][12:]
        for kind in KINDS:
            assert again[kind]["held"] == known[kind]["held"]
            assert torch.equal(again[kind]["logits"], known[kind]["logits"])
            for name, value in again[kind]["weights"].items():
                assert torch.equal(value, known[kind]["weights"][name]), name


def test_what_is_not_sharded_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    model = torch.nn.Linear(2, 2)
    model.weight = torch.nn.Parameter(torch.zeros(2, 2, dtype=torch.int8), requires_grad=False)
    with pytest.raises(InputError, match="quantised"):
        shard(start(recipe()), model, torch.optim.SGD([model.bias]))
    for name, value in {**TO_SHARD, "LOCAL_RANK": "0", "FSDP_VERSION": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="--fsdp_version 2"):
        plugin()


def test_a_run_that_shards_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    device = start(recipe()).device
    plain = run_key(device, 2)
    for name, value in {**TO_SHARD, "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    assert run_key(device, 2) != plain
