"""Two real processes adapt a model as one does; each computes its share of the features."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from dvc.repo import Repo

from stages.base.schema import PREDICTIONS
from stages.base.tables import read_table
from tests.adapt.small import RECIPE, WAYS, vlm, write_run
from tests.processes import SHARDED, TWO, call, with_one_killed

#: Largest difference of a probability, kept to six digits: sums are taken in another order.
CLOSE = 1e-5


def cell(way: str) -> list[str]:
    return ["home", f"tiny_{way}_cs", "tiny", way, "cs"]


def test_two_processes_adapt_as_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Any) -> None:
    """FT-C-LoRA with dropout 0.1, and FT-LC; clips with one keyframe and with two, so that batches have groups."""
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path, short=(3, 8, 16))
    recipe = RECIPE | {"batch": 5, "accumulate": 2, "epochs": 4}
    ways = {name: WAYS[name] | {"recipe": recipe} for name in ("ft_lc", "ft_c_lora")}
    params = {"recipes": ways, "vlm": {"tiny": vlm(tiny_model("smolvlm"))}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "compute.yaml").write_text("workers: 1\nbatch: 4\n")
    Repo.init(no_scm=True).close()
    for way in ways:
        scores = []
        runs = [("one", ""), ("two", TWO), *([("sharded", SHARDED)] if way == "ft_c_lora" else [])]
        for name, launch in runs:
            features = Path(f"data/home/models/tiny_{way}_cs/features.parquet")
            features.unlink(missing_ok=True)  # or they would come from there
            done = call(tmp_path, "stages.adapt", *cell(way), launch=launch, journal=name)
            assert done.returncode == 0, done.stderr
            assert done.stdout.count("clips predicted") == 1
            if way == "ft_lc":
                assert "24 of 24 features computed" in done.stdout
            rows = read_table(Path(f"data/home/predictions/tiny_{way}_cs.parquet"), PREDICTIONS)
            scores.append(np.array(rows["class_scores"].to_list()))
        difference = max(np.abs(scores[0] - other).max() for other in scores[1:])
        print(f"{way}: a probability of two processes differs from one's by at most {difference:.1e}")
        assert difference < CLOSE, way
    segments = sorted((tmp_path / "two/adapt").glob("*.jsonl"))
    counts = [len(segment.read_text().splitlines()) for segment in segments]
    assert counts == [12, 12], "each process computes its share, and nobody what another has"
    keys = {line.partition("\t")[0] for segment in segments for line in segment.read_text().splitlines()}
    assert len(keys) == 24
    assert json.loads(segments[0].read_text().splitlines()[0].rpartition("\t")[2]).keys() == {"feature"}


def test_a_killed_process_ends_the_run_with_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_model: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    write_run(tmp_path)
    way = WAYS["ft_c_lora"] | {"recipe": RECIPE | {"epochs": 1000}}
    params = {"recipes": {"ft_c_lora": way}, "vlm": {"tiny": vlm(tiny_model("smolvlm"))}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "compute.yaml").write_text("workers: 1\nbatch: 4\n")
    Repo.init(no_scm=True).close()
    with_one_killed(tmp_path, "adapt", *cell("ft_c_lora"), rank="1")
    assert not Path("data/home/predictions/tiny_ft_c_lora_cs.parquet").exists()
