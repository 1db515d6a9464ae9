"""A method costs a record: the graph of two people, run with commands of no work, and what a change runs again."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from stages.base import names
from stages.base.paths import METHODS
from tests.conftest import ROOT

#: Writes what DVC says that the cell makes, a hash of its inputs and params, and notes that it ran.
STUB = """
import hashlib
import os
from pathlib import Path
import yaml
from stages.base import params
from stages.base.params import resolved_stage
from stages.base.paths import Run
from stages.keywords.params import PARAMS
from stages.methods.errors import reset

stage = resolved_stage()
outs = [Path(out if isinstance(out, str) else next(iter(out))) for out in stage["outs"] + stage.get("plots", [])]
outs += [Path(next(iter(out))) for out in stage.get("metrics", [])]
deps = [Path(dep) for dep in stage["deps"] if not dep.startswith("stages/")]
files = [Path(file) for entry in stage["params"] for file in entry if file.startswith("params/")]
for dep in deps:
    files += [dep] if dep.is_file() else sorted(path for path in dep.rglob("*") if path.is_file())
texts = [repr(yaml.safe_load(file.read_text())) for file in files]
made = hashlib.md5(" ".join([*map(str, files), *texts]).encode()).hexdigest()
for out in outs:
    if out.name == "errors.json":  # it is a param of cells that ask
        reset(Run(out.parent.name), params.read(PARAMS, dataset=out.parent.name)["asked"])
        continue
    file = out if out.suffix else out / "made"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{os.environ['DVC_STAGE']} {made}")
    if out.name == "clips":  # its list of clips with passers-by is an input of its own
        (out / "passers_by.txt").write_text("made")
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
    (folder / "metrics/interactions/seeds").mkdir(parents=True)
    graph = (ROOT / "dvc.yaml").read_text()
    assert len(graph.splitlines()) <= 380
    assert len(yaml.safe_load(graph)["stages"]) <= 20
    (folder / "dvc.yaml").write_text(graph.replace("cmd: python -m stages.", "cmd: python stub.py "))
    write_params(folder, {})
    (folder / "stub.py").write_text(STUB)
    shutil.copy(ROOT / ".dvcignore", folder / ".dvcignore")
    repro(folder)
    return folder


def write_params(folder: Path, more: dict[str, dict[str, str]]) -> None:
    """Write the study of two people alone, with more records of those who interact."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["scenes"] = ["interactions", "pretrain", "pretrain_table"]
    for kind in ("pushed", "datasets", "ingested", "controlled"):
        params[kind] = {"interactions": params[kind]["interactions"]}
    for kind in (*METHODS, "teachers"):
        params[kind] = {key: one for key, one in params[kind].items() if one["dataset"] == "interactions"}
    params["interacting"] |= more
    params["methods"] = {key: one for kind in METHODS for key, one in params[kind].items()}
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


AFTER = [f"{stage}@interactions" for stage in ("nulls", "measure", "score", "report")]


@pytest.mark.slow
def test_a_new_record_runs_its_cell_and_what_follows(project, monkeypatch):
    assert repro(project) == []
    record = yaml.safe_load((ROOT / "params.yaml").read_text())["interacting"]["interactions_ov_hhir"]
    write_params(project, {"interactions_more": record | {"method": "more", "title": "more"}})
    monkeypatch.chdir(project)
    names.check_pipeline(Path("dvc.yaml"))
    assert repro(project) == ["interact@interactions_more", *AFTER]


@pytest.mark.slow
def test_a_changed_recipe_runs_the_cells_of_that_recipe_and_neither_streams_nor_other_methods(project):
    write_params(project, {})
    repro(project)
    recipe = project / "params/recipes/interact_no_background.yaml"
    recipe.write_text(recipe.read_text().replace("layers: 2", "layers: 3"))
    assert repro(project) == ["interact@interactions_ov_hhir_no_background", *AFTER]


@pytest.mark.slow
def test_people_found_otherwise_run_what_sees_them(project):
    found = project / "params/models/opencv.yaml"
    found.write_text(found.read_text() + "# changed\n")
    assert repro(project) == []
    values = yaml.safe_load(found.read_text())
    number = next(key for key, value in values.items() if isinstance(value, int) and not isinstance(value, bool))
    found.write_text(yaml.safe_dump(values | {number: values[number] + 1}))
    assert repro(project) == ["streams@interactions_opencv", "interact@interactions_ov_hhir", *AFTER]
