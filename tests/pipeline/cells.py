"""A study of one's own in a folder of its own, with the project's graph; and its cells, run in this process.

`dvc repro` starts a Python for each cell, which costs seconds; here each runs as DVC resolves it, with its arguments
and params, once its deps are there, and must leave its outputs. `dvc commit` then says whether DVC has the same view.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
import yaml
from dvc.repo import Repo
from dvc.stage import PipelineStage

from stages.base import params
from stages.base.errors import guard
from stages.base.names import arguments
from stages.base.paths import METHODS as KINDS
from tests.conftest import ROOT

#: A data set's record where it has nothing but clips and keywords.
BARE = {
    "truth": "data/none",
    "published": "data/none",
    "official": "data/none",
    "captioner": "none",
    "judge": "none",
    "controls": "data/none",
    "seeds": "data/none",
    "targets": "data/none",
    "streams": "data/none",
}


def study(folder: Path, datasets: dict[str, dict[str, Any]], **records: dict[str, dict[str, Any]]) -> Path:
    """Write a study that has the graph of the project, its params and no records but these.

    Args:
        folder: where to; it becomes a repository of DVC's.
        datasets: records under `pushed`, by name; what one leaves out it has not (`BARE`).
        records: under `asked`, `trained`, `adapted`, `fetched` and so on.
    """
    Repo.init(str(folder), no_scm=True).close()
    (folder / "stages").symlink_to(ROOT / "stages")
    shutil.copy(ROOT / "dvc.yaml", folder)
    shutil.copytree(ROOT / "params", folder / "params")
    shutil.copytree(ROOT / ".dvc/plots", folder / ".dvc/plots")
    (folder / "data/models").mkdir(parents=True)
    for none in ("data/none", "data/models/none"):
        shutil.copy(ROOT / none, folder / none)
    (folder / "compute.yaml").write_text(yaml.safe_dump({"device": "cpu", "workers": 1}))
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    emptied = (*KINDS, "pretrained", "fetched", "kept", "listed", "teachers", "streamed", "controlled")
    values |= {kind: {} for kind in emptied} | {"scenes": []} | records
    values["pushed"] = {name: BARE | record for name, record in datasets.items()}
    values["datasets"] = values["pushed"] | values["kept"]
    values["ingested"] = values["datasets"] | values["listed"]
    values["methods"] = {key: record for kind in KINDS for key, record in values[kind].items()}
    (folder / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False))
    return folder


def cells_of(folder: Path, target: str | None = None) -> list[PipelineStage]:
    """Return the cells of the graph, those that others need first; of a target only what it needs."""
    with Repo(str(folder)) as repo:
        graph = repo.index.graph  # from a cell to those that it needs
        wanted = set(graph)
        if target:
            (end,) = repo.stage.collect(target)
            wanted = {end, *nx.descendants(graph, end)}
        return [cell for cell in reversed(list(nx.topological_sort(graph))) if cell in wanted]


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, target: str | None = None) -> str:
    """Run the cells of a study; return the user's error of the one that fails, empty where none does."""
    for cell in cells_of(folder, target):
        if said := run_cell(cell, monkeypatch):
            return f"{cell.name}: {said}"
    return ""


def run_cell(cell: PipelineStage, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run one cell as DVC resolves it; return the user's error, empty without one."""
    for dep in cell.deps:
        assert os.path.exists(dep.fs_path), f"{cell.name}: {dep} is not there"
    words = cell.cmd.split()
    room = words[words.index("-m") + 1]
    module = importlib.import_module(f"{room}.__main__")
    if hasattr(module, "hold_arithmetic"):  # before torch is imported, which it is here
        monkeypatch.setattr(module, "hold_arithmetic", lambda: None)
    monkeypatch.chdir(cell.wdir)
    pipeline = os.path.relpath(cell.path, cell.wdir)
    monkeypatch.setenv("DVC_STAGE", f"{pipeline}:{cell.name}")
    monkeypatch.setattr(sys, "argv", [*words[words.index("-m") + 1 :], *arguments(cell.meta)])
    params.forget()
    try:
        guard(module.main)
    except SystemExit as end:
        return str(end.code or "")
    finally:
        params.forget()
    for out in cell.outs:
        assert os.path.exists(out.fs_path), f"{cell.name}: {out} was not written"
    return ""
