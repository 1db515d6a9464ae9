"""A small repository of its own with cells that learn: a base model, two trainings, one from the base, and a score."""

from __future__ import annotations

import shutil
import sys
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo

from stages.base.errors import guard
from stages.ship.__main__ import main
from tests.conftest import ROOT
from tests.pipeline.project import commit, edit_yaml, git

#: A cell writes its weights, which follow from seed, code and what it reads, and its name into `ran`.
LEARN = """\
import hashlib, pathlib, sys
import yaml
name, *inputs = sys.argv[1:]
seed = yaml.safe_load(open("params.yaml"))["seeds"][name]
seen = [pathlib.Path(one).read_text() for one in ["learn.py", *inputs]]
weights = hashlib.md5(repr((name, seed, seen)).encode()).hexdigest()
folder = pathlib.Path("data/models", name)
folder.mkdir(parents=True, exist_ok=True)
(folder / "weights").write_text(weights)
(folder / "card.md").write_text(f"trained as {name}, seed {seed}")
pathlib.Path(f"data/predictions_{name}.txt").write_text(f"answers of {weights}")
with open("ran", "a") as log:
    log.write(name + "\\n")
"""
OUTS = ["data/models/${item.name}", "data/predictions_${item.name}.txt"]
GRAPH: dict[str, Any] = {
    "stages": {
        "simulate": {
            "cmd": "mkdir -p data && cat scene.txt > data/clips && echo simulate >> ran",
            "deps": ["scene.txt"],
            "outs": ["data/clips"],
        },
        "pretrain": {
            "matrix": {"model": ["base"]},
            "cmd": "python learn.py base data/clips",
            "deps": ["learn.py", "data/clips"],
            "params": ["seeds.base"],
            "outs": ["data/models/base", "data/predictions_base.txt"],
        },
        "train": {
            "foreach": "${trained}",
            "do": {
                "cmd": "python learn.py ${item.name} data/clips",
                "deps": ["learn.py", "data/clips"],
                "params": ["seeds.${item.name}"],
                "outs": OUTS,
            },
        },
        "adapt": {
            "foreach": "${adapted}",
            "do": {
                "cmd": "python learn.py ${item.name} data/models/base/weights",
                "deps": ["learn.py", "data/models/base"],
                "params": ["seeds.${item.name}"],
                "outs": OUTS,
            },
        },
        "score": {
            "cmd": "mkdir -p metrics && cat data/predictions_*.txt > metrics/score.txt && echo score >> ran",
            "deps": [f"data/predictions_{name}.txt" for name in ("base", "net", "head")],
            "outs": [{"metrics/score.txt": {"cache": False}}],
        },
    }
}
PARAMS: dict[str, Any] = {
    "seeds": {"base": 0, "net": 0, "head": 0},
    "trained": {"net": {"name": "net"}},
    "adapted": {"head": {"name": "head"}},
}
CELLS = ["pretrain@base", "train@net", "adapt@head"]


class Project:
    """A repository in which cells learn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = folder / "shipped"

    def objects(self) -> dict[str, Path]:
        """Return the files of the store by their hashes."""
        return {path.parent.name + path.name: path for path in (self.store / "files/md5").glob("??/*")}

    def object(self, out: str) -> Path:
        """Return the store's object of an output that is a file, or of a file in a folder."""
        (found,) = [path for path in self.objects().values() if path.read_bytes() == (self.folder / out).read_bytes()]
        return found

    def repro(self) -> list[str]:
        """Run `dvc repro`, in this process; return the cells that ran, in order."""
        log = self.folder / "ran"
        log.unlink(missing_ok=True)
        with chdir(self.folder), Repo() as repo:
            repo.reproduce()
        return log.read_text().split() if log.exists() else []

    def seeds(self, **values: int) -> None:
        """Set seeds in params.yaml, such as `net=1`."""
        edit_yaml(self.folder / "params.yaml", lambda params: params["seeds"].update(values))

    def forget(self) -> None:
        """Lose cache and outputs, as in a fresh clone."""
        for name in (".dvc/cache", ".dvc/tmp", "data"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def clone(self, to: Path) -> Project:
        """Return a clone of what is committed."""
        git("clone", "-q", str(self.folder), str(to), cwd=self.folder)
        return Project(to)

    def dirty(self) -> str:
        """Return what git sees as changed."""
        return git("status", "--porcelain", cwd=self.folder)


def create(folder: Path) -> Project:
    """Make the repository, run its graph, and commit that; nothing is shipped yet."""
    folder.mkdir(parents=True, exist_ok=True)
    git("init", "-q", "-b", "main", cwd=folder)
    Repo.init(str(folder)).close()
    shutil.copy(ROOT / ".dvc/config", folder / ".dvc/config")
    shutil.copy(ROOT / ".gitattributes", folder)
    (folder / ".gitignore").write_text("/data\n/ran\n")
    (folder / "learn.py").write_text(LEARN)
    (folder / "scene.txt").write_text("a scene")
    (folder / "dvc.yaml").write_text(yaml.safe_dump(GRAPH, sort_keys=False))
    (folder / "params.yaml").write_text(yaml.safe_dump(PARAMS, sort_keys=False))
    project = Project(folder)
    project.repro()
    commit(folder)
    return project


class Ship:
    """Runs `python -m stages.ship` in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, project: Project, command: str, status: int = 0) -> str:
        """Run a command, which must end in `status`; return what it printed, its error included."""
        self._monkeypatch.chdir(project.folder)
        self._monkeypatch.setattr(sys, "argv", ["stages.ship", command])
        self._capsys.readouterr()
        error: object = None
        try:
            guard(main)
        except SystemExit as end:
            error = end.code
        out, err = self._capsys.readouterr()
        text = f"{out}{err}{error or ''}"
        assert (1 if isinstance(error, str) else error or 0) == status, text
        return text
