"""A project whose stages are stubs in the real graph, with the real pipeline of seeds cut down to first draws."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml
from dvc.repo import Repo

from tests.conftest import ROOT, dvc
from tools.graph import closure

RECORDS = {
    "asked": {
        "home_embedded_list": {
            "dataset": "home",
            "method": "embedded_list",
            "title": "list",
            "model": "embedded",
            "strategy": "list",
            "protocol": "all",
            "adapter": "data/none",
        }
    },
    "trained": {
        "home_net_cs": {
            "dataset": "home",
            "method": "net_cs",
            "title": "net",
            "recipe": "net",
            "protocol": "cs",
            "weights": "data/none",
        }
    },
    "adapted": {
        "home_embedded_head_cs": {
            "dataset": "home",
            "method": "embedded_head_cs",
            "title": "head",
            "model": "embedded",
            "recipe": "head",
            "protocol": "cs",
            "captions": "data/none",
        }
    },
}
DATASET = {"clips": "data/home/clips", "published": "data/none", "official": "data/none", "truth": "data/none"}
PARAMS: dict[str, Any] = {
    "here": "",
    "root": ".",
    "pretrained": {"embedded": {"recipe": "embedded", "scene": "none", "tables": "none"}},
    "pushed": {"home": DATASET | {"judge": "none"}},
    "datasets": {"home": DATASET | {"judge": "none", "seeds": "data/none"}},
    "ingested": {"home": DATASET | {"judge": "none"}},
    **RECORDS,
    "methods": {key: record for records in RECORDS.values() for key, record in records.items()},
    "strategies": {"list": {}},
}
RECIPE = {"seed": 0, "rate": 1e-05}  # written as 1e-05, which is a text to some readers of YAML
FILES: dict[str, Any] = {
    "params/recipes/net.yaml": {"recipe": RECIPE},
    "params/recipes/head.yaml": {"recipe": RECIPE, "off": RECIPE},  # one map in two places
    "params/recipes/embedded.yaml": {"seed": 0},
    "params/models/embedded.yaml": {"frames": 2},
    "params/models/none.yaml": {"backend": "none"},
    "params/datasets/home.yaml": {
        **{block: {} for block in ("keyframes", "infer", "nulls", "measure")},
        "ingest": {"licensed": False},
        "score": {"thresholds": {"keyword": 0.5}},
    },
}
STAGES = ("pretrain", "ingest", "keyframes", "infer", "train", "adapt", "nulls", "measure", "score")
FIRST = ["train_1", "adapt_1", "base_adapt_1", "base"]


def stubs() -> dict[str, Any]:
    """Return the stages of the real graph whose work is stubbed; what no stub makes is no dep."""
    real = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    left_out = ("stages/", "data/${item.scene}", "data/${item.tables}")
    for name in STAGES:
        body = real[name]["do"]
        body["cmd"] = f"python -m stages.stub {name}"
        deps = [dep for dep in body["deps"] if not dep.startswith(left_out)]
        deps = [dep for dep in deps if not dep.endswith(("/keywords.json", "/captions.parquet"))]
        body["deps"] = ["stages/stub.py", *deps]
        # Counts of errors are of answers; no stub asks.
        body["params"] = [one for one in body.get("params", []) if "errors.json" not in str(one)]
    # What score compares is of no draw: its tables and its block stay out.
    score = real["score"]["do"]
    score["outs"] = [out for out in score["outs"] if str(out).endswith(("/scores", "/verdicts"))]
    score["params"] = [{"params/datasets/${key}.yaml": ["score"]}]
    del score["plots"]
    return {name: real[name] for name in STAGES}


def write_project(to: Path) -> Path:
    """Write the project and run its own graph."""
    for folder in (*closure("seeds"), "stages/imports"):
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    shutil.copy(ROOT / "stages/__init__.py", to / "stages/__init__.py")
    shutil.copy(ROOT / "tests/seeds/stub.py", to / "stages/stub.py")
    shutil.copy(ROOT / ".dvcignore", to / ".dvcignore")
    Repo.init(str(to), no_scm=True).close()
    for name, values in {"params.yaml": PARAMS, **FILES}.items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_text(yaml.safe_dump(values).replace("1.0e-05", "1e-05"))
    (to / "dvc.yaml").write_text(yaml.safe_dump({"stages": stubs()}, sort_keys=False))
    real = yaml.safe_load((ROOT / "seeds/dvc.yaml").read_text())
    kept = {name: real["stages"][name] for name in FIRST}
    params, own = real["vars"]
    cut = [params, {"bases": {"home_1": own["bases"]["home_1"]}}]
    (to / "seeds").mkdir()
    (to / "seeds/dvc.yaml").write_text(yaml.safe_dump({"vars": cut, "stages": kept}, sort_keys=False))
    for name, text in {"data/none": "", "data/models/none": "", "data/home/clips/a": "a clip"}.items():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        (to / name).write_text(text)
    dvc("add", "-q", "data/home/clips", cwd=to)  # as clips are that no stage renders
    dvc("repro", "-q", cwd=to, env=environ(to))
    return to


def environ(project: Path) -> dict[str, str]:
    """Return an environment in which a project's journal is its own, and `python` is this one."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {"HAR_JOURNAL": str(project / ".journal"), "PATH": path}


def ran(project: Path) -> list[str]:
    """Return what stub stages did since the last call: their words, then the folder they ran in."""
    log = project / ".journal/ran.log"
    lines = log.read_text().splitlines() if log.exists() else []
    log.unlink(missing_ok=True)
    return lines
