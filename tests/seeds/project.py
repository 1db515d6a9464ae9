"""A project whose stages are stubs, with the real pipeline of seeds cut down to first draws."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import yaml
from dvc.repo import Repo

from tests.conftest import ROOT, dvc
from tools.graph import closure

RECIPE = {"seed": 0, "rate": 1e-05}  # written as 1e-05, which is a text to some readers of YAML
PARAMS = {
    "datasets": ["home"],
    "models": ["embedded"],
    "trained": {"home_net_cs": {"dataset": "home", "method": "net_cs"}},
    "trained_from": {},
    "adapted": {"home_embedded_head_cs": {"dataset": "home", "model": "embedded", "way": "head", "protocol": "cs"}},
    "methods": ["net_cs", "embedded_head_cs", "embedded_list", "null"],
    "pretrain": {"embedded": {"seed": 0}},
    "train": {"home": {"net_cs": {"recipe": RECIPE}}},
    "adapt": {"home": {"head": {"recipe": RECIPE}, "off": {"recipe": RECIPE}}},
    "vlm": {"embedded": {"frames": 2}},
    "infer": {"home": {}},
    "strategies": {"list": {}},
    "nulls": {"home": {}},
    "measure": {"home": {}},
    "scored": {"home": {"thresholds": {"keyword": 0.5}}},
}
DATA = ["data/home/clips", "data/home/manifest.parquet", "data/home/splits.parquet", "data/home/keyframes"]
LEARNT = ["data/home/predictions/${item.method}.parquet", "data/home/models/${item.method}"]
STAGES = {
    "ingest": {
        "cmd": "python -m stages.stub ingest",
        "deps": ["stages/stub.py"],
        "outs": [*DATA, {"metrics/home/audit.json": {"cache": False}}],
    },
    "pretrain": {
        "cmd": "python -m stages.stub pretrain",
        "params": ["pretrain.embedded"],
        "outs": ["data/models/embedded"],
    },
    "train": {
        "foreach": "${trained}",
        "do": {
            "cmd": "python -m stages.stub train ${item.method} ${item.method}",
            "deps": ["stages/stub.py", *DATA],
            "params": ["train.home.${item.method}"],
            "outs": LEARNT,
        },
    },
    "adapt": {
        "foreach": "${adapted}",
        "do": {
            "cmd": "python -m stages.stub adapt embedded_${item.way}_cs ${item.way}",
            "deps": ["stages/stub.py", *DATA, "data/models/embedded"],
            "params": ["adapt.home.${item.way}"],
            "outs": [out.replace("${item.method}", "embedded_${item.way}_cs") for out in LEARNT],
        },
    },
    "infer": {
        "cmd": "python -m stages.stub infer embedded_list",
        "deps": [*DATA, "data/models/embedded"],
        "outs": ["data/home/predictions/embedded_list.parquet"],
    },
    "null": {
        "cmd": "python -m stages.stub null null",
        "deps": DATA,
        "outs": ["data/home/predictions/null.parquet"],
    },
    "score": {
        "matrix": {"method": "${methods}"},
        "cmd": "python -m stages.stub score ${item.method}",
        "deps": ["stages/stub.py", "data/home/predictions/${item.method}.parquet"],
        "outs": ["data/home/scores/${item.method}.parquet", "data/home/verdicts/${item.method}.parquet"],
        "metrics": [{"metrics/home/${item.method}.json": {"cache": False}}],
    },
}
FIRST = ["train_1", "adapt_1", "base_adapt_1", "base"]


def write_project(to: Path) -> Path:
    """Write the project and run its own graph."""
    for folder in (*closure("seeds"), "stages/imports"):
        shutil.copytree(ROOT / folder, to / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "stages/__init__.py", to / "stages/__init__.py")
    shutil.copy(ROOT / "tests/seeds/stub.py", to / "stages/stub.py")
    shutil.copy(ROOT / ".dvcignore", to / ".dvcignore")
    Repo.init(str(to), no_scm=True).close()
    (to / "params.yaml").write_text(yaml.safe_dump(PARAMS).replace("1.0e-05", "1e-05"))
    (to / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, sort_keys=False))
    real = yaml.safe_load((ROOT / "seeds/dvc.yaml").read_text())
    kept = {name: real["stages"][name] for name in FIRST}
    kept["base"]["matrix"]["draw"] = [1]
    (to / "seeds").mkdir()
    (to / "seeds/dvc.yaml").write_text(yaml.safe_dump({"vars": real["vars"], "stages": kept}, sort_keys=False))
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
