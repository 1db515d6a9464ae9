"""Methods that are to come cost a stage and records: the graph with two more stages, run with commands of no work."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from stages.base import names
from tests.conftest import ROOT

#: As they would stand in dvc.yaml: who does what to whom.
MORE = """
  streams:
    foreach: ${streamed}
    do:
      desc: persons found and followed through each clip
      wdir: ${root}
      cmd: python -m stages.streams
      meta: {arguments: ["${key}", "${item.segmenter}"]}
      deps: [
        "data/${key}/manifest.parquet", "data/models/${item.segmenter}",
      ]
      params:
        - params/models/${item.segmenter}.yaml:
      outs: ["data/${key}/streams"]

  interact:
    foreach: ${interacting}
    do:
      desc: who does what to whom, in words
      wdir: ${root}
      cmd: python -m stages.interact
      meta: {arguments: ["${item.dataset}", "${item.method}", "${item.model}", "${item.recipe}", "${item.protocol}"]}
      deps: [
        "data/${item.dataset}/manifest.parquet", "data/${item.dataset}/splits.parquet",
        "data/${item.dataset}/classes.json", "data/models/${item.model}", "${item.streams}",
      ]
      params:
        - params/recipes/${item.recipe}.yaml:
        - params/models/${item.model}.yaml:
      outs:
        - data/${item.dataset}/predictions/${item.method}.parquet
        - data/${item.dataset}/models/${item.method}
      plots: ["data/${item.dataset}/curves/${item.method}"]
"""
RECORDS = {
    "distilled": {
        "home_taught_cs": {
            "dataset": "home",
            "method": "taught_cs",
            "title": "taught",
            "recipe": "kitchen_ce",
            "protocol": "cs",
            "teacher": "data/none",
            "weights": "data/none",
        }
    },
    "streamed": {"home": {"segmenter": "none"}},
    "interacting": {
        "home_two_cs": {
            "dataset": "home",
            "method": "two_cs",
            "title": "two people",
            "model": "embedded",
            "recipe": "ft_lc",
            "protocol": "cs",
            "streams": "data/home/streams",
        }
    },
}
#: Writes what DVC says that the cell makes, and notes that it ran.
STUB = """
import os
from pathlib import Path
from stages.base import params
from stages.base.params import resolved_stage
from stages.base.paths import Run
from stages.keywords.params import PARAMS
from stages.methods.errors import reset

stage = resolved_stage()
outs = [Path(out if isinstance(out, str) else next(iter(out))) for out in stage["outs"] + stage.get("plots", [])]
outs += [Path(next(iter(out))) for out in stage.get("metrics", [])]
read = [Path(dep) for dep in stage["deps"] if Path(dep).is_dir() and not dep.startswith("stages/")]
made = sorted(path.name for folder in read for path in folder.rglob("*"))
for out in outs:
    if out.name == "errors.json":  # it is a param of cells that ask
        reset(Run(out.parent.name), params.read(PARAMS, dataset=out.parent.name)["asked"])
        continue
    file = out if out.suffix else out / "made"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{os.environ['DVC_STAGE']} {made}")
with open("ran.log", "a") as log:
    log.write(os.environ["DVC_STAGE"].rpartition(":")[2] + "\\n")
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slots")
    Repo.init(str(folder), no_scm=True).close()
    for name in ("params", "stages", ".dvc/plots", ".gitignore"):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
    for name in ("data/none", "data/models/none", "data/.gitignore"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "metrics/home/seeds", folder / "metrics/home/seeds")
    now = (ROOT / "dvc.yaml").read_text()
    assert len(now.splitlines()) <= 380
    assert len(yaml.safe_load(now)["stages"]) <= 20
    graph = now + MORE
    (folder / "dvc.yaml").write_text(graph.replace("cmd: python -m stages.", "cmd: python stub.py "))
    write_params(folder, {})
    (folder / "stub.py").write_text(STUB)
    shutil.copy(ROOT / ".dvcignore", folder / ".dvcignore")
    repro(folder)
    return folder


def write_params(folder: Path, distilled: dict[str, dict[str, str]]) -> None:
    """Write the study of home alone, with the records of the new stages and more to distil."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    for other in ("resuscitation", "kitchen"):
        params["scenes"].remove(other)
        params["controlled"].pop(other, None)
        for kind in ("pushed", "datasets", "ingested"):
            del params[kind][other]
    for kind in ("asked", "trained", "adapted", "teachers", "distilled"):
        params[kind] = {key: one for key, one in params[kind].items() if one["dataset"] == "home"}
    params |= RECORDS | {"distilled": params["distilled"] | RECORDS["distilled"] | distilled}
    params["methods"] = {
        key: one
        for kind in ("asked", "trained", "adapted", "distilled", "interacting")
        for key, one in params[kind].items()
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def repro(folder: Path, *arguments: str) -> list[str]:
    """Run the graph; return the cells that ran."""
    (folder / "ran.log").write_text("")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", *arguments],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "ran.log").read_text().split()


@pytest.mark.slow
def test_the_graph_runs_with_them_and_a_new_record_runs_its_cell_and_what_follows(project, monkeypatch):
    assert repro(project) == []
    more = RECORDS["distilled"]["home_taught_cs"] | {"method": "taught_more_cs", "title": "taught more"}
    write_params(project, {"home_taught_more_cs": more})
    monkeypatch.chdir(project)
    names.check_pipeline(Path("dvc.yaml"))
    assert repro(project) == [
        "distill@home_taught_more_cs",
        *(f"{stage}@home" for stage in ("nulls", "measure", "score", "report")),
    ]
