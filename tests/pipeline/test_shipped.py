"""What is shipped of the real graph, and what CI holds a retrained tree to."""

import csv
import importlib.util
import json
from pathlib import Path

import pytest
import yaml

from stages.ship.cells import LEARNING, learns
from tests.conftest import ROOT
from tests.pipeline import graph


def test_every_stage_that_trains_is_shipped():
    """Such a stage holds its arithmetic. `controls` trains too, and keeps nothing but numbers."""
    root = [stage for stage in graph.stages() if stage.pipeline == ROOT / "dvc.yaml"]
    code = {stage.name: (ROOT / "stages" / stage.room / "__main__.py").read_text() for stage in root}
    trains = {name for name, text in code.items() if "hold_arithmetic()" in text}
    assert trains == {"pretrain", "train", "adapt", "teach", "distill", "interact", "controls"}
    assert trains - {"controls"} <= set(LEARNING)
    assert all(learns(f"{name}@a_cell") for name in LEARNING)


def test_the_remote_is_in_git_is_verified_and_takes_no_plain_push():
    config = (ROOT / ".dvc/config").read_text()
    assert "['remote \"shipped\"']\n    url = ../shipped\n    verify = true" in config
    assert "remote = shipped" not in config
    assert "shipped/files/** binary" in (ROOT / ".gitattributes").read_text()


@pytest.fixture
def retrained(tmp_path, monkeypatch):
    """Return `.ci/retrained.py`, as of a repository in a temporary folder."""
    spec = importlib.util.spec_from_file_location("retrained", ROOT / ".ci/retrained.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path / "committed")
    return module


def tree(root: Path, numbers, seeds=()):
    """Write a lock in which `net` is trained and `asked` asks what `pretrain` made; their numbers; a table of seeds."""

    def cell(outs, deps=()):
        return {"outs": [{"path": path, "md5": "0"} for path in outs], "deps": [{"path": p, "md5": "0"} for p in deps]}

    predictions = "data/home/predictions"
    stages = {
        "pretrain@base": cell(["data/models/base"]),
        "train@net": cell(["data/home/models/net", f"{predictions}/net.parquet"]),
        "infer@asked": cell([f"{predictions}/asked.parquet"], ["data/models/base/weights"]),
        "infer@published": cell([f"{predictions}/published.parquet"], ["data/published"]),
        "nulls@home": cell(["data/home/nulls"], [predictions]),
        "score@home": cell(["metrics/home/headlines"], ["data/home/nulls", predictions]),
    }
    metrics = root / "metrics/home"
    for name in ("headlines", "seeds"):
        (metrics / name).mkdir(parents=True)
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    for method, value in {**numbers, "null_one": 0.3, "published": 0.5}.items():
        (metrics / f"headlines/{method}.json").write_text(
            json.dumps({"cs.answer.mca": value, "cs.answer.f1:Walk": 0.1})
        )
    with (metrics / "seeds/seeds.csv").open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "protocol", "metric", "aggregate", "base_seed", "seed", "value"])
        writer.writerows([method, "cs", "answer", "mca", 0, n, value] for method, n, value in seeds)
    return root


def test_a_retrained_number_is_held_to_the_spread_over_seeds(retrained, tmp_path):
    seeds = [(method, n, value) for method in ("net", "asked") for n, value in enumerate([0.69, 0.7, 0.71])]
    tree(retrained.ROOT, {}, seeds)
    # Of three values Student's t, of two degrees of freedom, is 31.6 at 0.1 %: 31.6 sd sqrt(4/3) = 0.3649.
    inside = tree(tmp_path / "inside", {"net": 0.7 + 0.364, "asked": 0.7 - 0.364})
    assert [path.stem for path in retrained.learnt(inside)] == ["asked", "net"]
    assert retrained.outside(inside) == []
    outside = tree(tmp_path / "outside", {"net": 1.066, "asked": 0.7})
    (said,) = retrained.outside(outside)
    assert said.startswith(
        "metrics/home/headlines/net.json cs.answer.mca: 1.066, not within 0.7000 +- 0.3649 of 3 seeds"
    )


def test_a_row_without_seeds_fails_clearly(retrained, tmp_path):
    tree(retrained.ROOT, {}, [("net", 0, 0.6), ("net", 1, 0.7), ("asked", 0, 0.5)])
    (said,) = retrained.outside(tree(tmp_path / "retrained", {"net": 0.65, "asked": 0.5}))
    assert said.startswith("metrics/home/headlines/asked.json cs.answer.mca: 1 values in metrics/home/seeds/seeds.csv")
    assert "`make seeds`" in said
    (retrained.ROOT / "metrics/home/seeds/seeds.csv").unlink()
    assert len(retrained.outside(tmp_path / "retrained")) == 2
