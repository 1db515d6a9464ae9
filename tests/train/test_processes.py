"""Two real processes train what one trains, also sharded, up to the order of sums; a killed one ends the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from stages.base.paths import Run
from stages.base.schema import PREDICTIONS
from stages.base.tables import read_table
from tests.processes import SHARDED, TO_SHARD, TWO, call, with_one_killed
from tests.stage import Workplace, workplace  # noqa: F401
from tests.train.small import RECIPE, params, prepare, values

#: Largest difference of a probability, kept to six digits, after 12 steps: sums are taken in another order.
CLOSE = 1e-5


@pytest.fixture
def place(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Workplace:  # noqa: F811
    prepare(workplace, tmp_path_factory)
    return workplace


def write(place: Workplace, architecture: str, **recipe: Any) -> None:
    # 5 samples a step: a step's pieces and processes get unequal shares, and the last step of an epoch fewer.
    block = params(architecture, recipe={**RECIPE, "batch": 5, "accumulate": 2, "average": 0.9, **recipe})
    if architecture == "swin3d":
        block["net"]["options"] |= {"dropout": 0.2, "attention_dropout": 0.2, "stochastic_depth_prob": 0.2}
        block["recipe"] |= {"mixup": 0.4, "checkpointing": True}
    (place.folder / "params.yaml").write_text(yaml.safe_dump(values({architecture: block})))
    (place.folder / "compute.yaml").write_text("workers: 1\n")  # device: auto, which must find that there is no GPU


@pytest.mark.parametrize("architecture", ["swin3d", "r2plus1d"])
def test_two_processes_train_what_one_trains(place: Workplace, architecture: str) -> None:
    """Dropout, stochastic depth, mixup, checkpointing and averaged weights in one; batch norms in the other."""
    write(place, architecture)
    scores, losses = [], []
    runs = [("one", ""), ("two", TWO), *([("sharded", SHARDED)] if architecture == "swin3d" else [])]
    for name, launch in runs:
        arguments = ["home", f"{architecture}_cs", architecture, "cs"]
        done = call(place.folder, "stages.train", *arguments, launch=launch, journal=name)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("clips predicted") == 1, "one of the processes speaks for both"
        if launch:
            assert (place.folder / name / "learn").is_dir()
        rows = read_table(Run("home").predictions(f"{architecture}_cs"), PREDICTIONS)
        scores.append(np.array(rows["class_scores"].to_list()))
        curve = Path(f"data/home/curves/{architecture}_cs/train_loss.tsv").read_text().splitlines()[1:]
        losses.append([float(line.split("\t")[1]) for line in curve])
    difference = max(np.abs(scores[0] - other).max() for other in scores[1:])
    print(f"{architecture}: a probability of two processes differs from one's by at most {difference:.1e}")
    assert difference < CLOSE
    assert all(other == pytest.approx(losses[0], abs=CLOSE) for other in losses[1:])


@pytest.mark.parametrize(("killed", "environment"), [("0", {}), ("1", TO_SHARD)])
def test_a_killed_process_ends_the_run_with_an_error(
    place: Workplace, killed: str, environment: dict[str, str]
) -> None:
    write(place, "r2plus1d", epochs=1000)
    with_one_killed(place.folder, "train", "home", "r2plus1d_cs", "r2plus1d", "cs", rank=killed, **environment)
    assert not Run("home").predictions("r2plus1d_cs").exists()
