"""Two real processes between which the frozen language model is sharded learn what one learns, and say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.torch import load_file

from stages.base.paths import Run
from stages.base.schema import PREDICTIONS
from stages.base.tables import read_table
from tests.interact.small import TALKING, values, write_models, write_set
from tests.processes import SHARDED, call
from tests.stage import Workplace, workplace  # noqa: F401

#: Largest difference of a probability or weight after 6 steps; weights are kept in half precision.
CLOSE = 1e-3


def test_two_processes_that_shard_say_what_one_says(workplace: Workplace) -> None:  # noqa: F811
    write_set(workplace.folder)
    write_models(Path("data/models"))
    (workplace.folder / "params.yaml").write_text(yaml.safe_dump(values(tiny=TALKING)))
    (workplace.folder / "compute.yaml").write_text("workers: 1\nbatch: 4\n")
    cell = ["two", "ov", "speaker", "pose", "embedded", "tiny", "cs", "data/two/streams/truth"]
    found = []
    for name, launch in (("one", ""), ("sharded", SHARDED)):
        done = call(workplace.folder, "stages.interact", *cell, launch=launch, journal=name)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("4 clips asked; 6 steps") == 1
        curve = Path("data/two/curves/ov/train_loss.tsv").read_text().splitlines()[1:]
        losses = [float(line.split("\t")[1]) for line in curve]
        rows = read_table(Run("two").predictions("ov"), PREDICTIONS)
        found.append((rows, losses, load_file("data/two/models/ov/model.safetensors")))
    (one, alone, weights), (two, losses, again) = found
    assert losses == pytest.approx(alone, abs=1e-4)
    assert two["text"].to_list() == one["text"].to_list()
    scores = [np.array(rows["class_scores"].to_list()) for rows in (one, two)]
    assert np.abs(scores[0] - scores[1]).max() < CLOSE
    assert weights.keys() == again.keys()
    for name, value in weights.items():
        assert (value.float() - again[name].float()).abs().max() < CLOSE, name
