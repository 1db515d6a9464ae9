"""A `dvc.lock` that a kill left empty or cut short, in a real repository: said, and restored; no stage runs."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from stages.base.errors import GateError
from stages.cache import locks
from tests.conftest import ROOT, dvc
from tests.once import once
from tests.pipeline.project import commit, edit_yaml, git

GRAPH = {
    "stages": {
        "learn": {
            "matrix": {"model": "${models}"},
            "cmd": "python make.py learn",
            "meta": {"arguments": ["${item.model}"]},
            "deps": ["scene.txt"],
            "params": ["rate", "seeds"],
            "outs": ["data/${item.model}"],
            "metrics": [{"metrics/${item.model}.json": {"cache": False}}],
        },
        "score": {
            "cmd": "python make.py score",
            "deps": ["data/a", "data/b"],
            "params": ["threshold"],
            "outs": ["data/score"],
        },
    }
}
#: A stand-in for a stage: what it writes follows from its inputs; it notes that it ran.
MAKE = """
import os, yaml
from pathlib import Path
name = os.environ["DVC_STAGE"].rpartition("@")[2]
params = yaml.safe_load(open("params.yaml"))
with open("ran", "a") as log: print(name, file=log)
if name == "score":
    Path("data/score").write_text(str(params["threshold"]) + Path("data/a/weights").read_text() * 2)
else:
    Path(f"data/{name}").mkdir(parents=True)
    Path("metrics").mkdir(exist_ok=True)
    Path(f"data/{name}/weights").write_text(f"{name} {params['rate']} {params['seeds']}")
    Path(f"metrics/{name}.json").write_text(f"{params['rate']}")
"""


def make(folder):
    git("init", "-q", cwd=folder)
    Repo.init(str(folder)).close()
    (folder / ".gitignore").write_text("/data\n/ran\n")
    (folder / "dvc.yaml").write_text(yaml.safe_dump(GRAPH, sort_keys=False))
    (folder / "params.yaml").write_text("models: [a, b]\nrate: 1.0e-05\nseeds: {x: 1}\nthreshold: 0.5\n")
    (folder / "make.py").write_text(MAKE)
    (folder / "scene.txt").write_text("a scene")
    (folder / "stages").symlink_to(ROOT / "stages")
    dvc("repro", cwd=folder)
    commit(folder)
    edit_yaml(folder / "params.yaml", lambda params: params.update(rate=2e-05))
    dvc("repro", cwd=folder)
    (folder / "ran").unlink()


@pytest.fixture
def project(tmp_path_factory, tmp_path, monkeypatch):
    """A repository whose lock is committed, and then made again with another rate: the commit's entries are stale."""
    folder = shutil.copytree(once(tmp_path_factory, "locked", make), tmp_path / "project", symlinks=True)
    monkeypatch.chdir(folder)
    return Path(folder)


def reproduced(project: Path) -> list[str]:
    dvc("repro", cwd=project)
    return (project / "ran").read_text().split() if (project / "ran").exists() else []


def damaged(project: Path, size: int) -> bytes:
    lock = project / "dvc.lock"
    before = lock.read_bytes()
    lock.write_bytes(before[:size])
    return before


def test_a_whole_lock_is_left_alone(project, capsys):
    before = (project / "dvc.lock").read_bytes()
    locks.check()
    locks.mend()
    assert (project / "dvc.lock").read_bytes() == before


@pytest.mark.parametrize("size", [0, 1, 300, 700, -300, -40, -1])
def test_an_empty_or_cut_lock_is_restored_and_nothing_runs(project, capsys, size):
    before = damaged(project, size)
    with pytest.raises(GateError, match="`make mend` restores it"):
        locks.check()
    locks.mend()
    assert (project / "dvc.lock").read_bytes() == before
    locks.check()
    assert reproduced(project) == []
    assert "dvc.lock is " in capsys.readouterr().out


def test_it_is_the_mend_that_spares_the_runs(project):
    """So that the test above is one of `mend`: the last commit's lock alone names what has changed since."""
    damaged(project, 0)
    git("checkout", "dvc.lock", cwd=project)
    assert "rate" in dvc("status", cwd=project)


def test_without_a_run_cache_what_is_left_and_the_last_commit_count(project, capsys):
    """As after `make repro` in a clone: what was learnt came by the lock, and no run of it is cached."""
    edit_yaml(project / "params.yaml", lambda params: params.update(rate=1e-05))
    dvc("checkout", cwd=project, check=False)
    git("checkout", "dvc.lock", "metrics", cwd=project)
    dvc("checkout", cwd=project)
    shutil.rmtree(project / ".dvc/cache/runs")
    before = damaged(project, 0)
    locks.mend()
    assert "3 from the last commit" in capsys.readouterr().out
    assert (project / "dvc.lock").read_bytes() == before
    assert reproduced(project) == []


def test_a_cell_that_was_lost_at_the_edge_of_an_entry(project):
    text = (project / "dvc.lock").read_text()
    cut = text.index("  score:")
    damaged(project, cut)
    with pytest.raises(GateError, match="has lost 1 cells that the last commit has, such as score"):
        locks.check()
    locks.mend()
    assert (project / "dvc.lock").read_text() == text


def test_what_fits_nowhere_is_the_last_commits_and_runs(project, capsys):
    edit_yaml(project / "params.yaml", lambda params: params.update(threshold=0.9))
    damaged(project, 0)
    locks.mend()
    assert "1 from the last commit, and has changed since" in capsys.readouterr().out
    assert reproduced(project) == ["score"]


def test_an_output_that_is_gone_from_the_cache_is_no_reason_to_trust_an_entry(project):
    lock = yaml.safe_load(damaged(project, 0))
    (out,) = [out["md5"] for out in lock["stages"]["learn@b"]["outs"] if out["path"] == "data/b"]
    listing = project / ".dvc/cache/files/md5" / out[:2] / out[2:]
    weights = json.loads(listing.read_text())[0]["md5"]
    shutil.rmtree(project / "data/b")
    (project / ".dvc/cache/files/md5" / weights[:2] / weights[2:]).unlink()
    locks.mend()
    assert reproduced(project) == ["b"]


def test_dvc_itself_says_nothing_of_use(project):
    """So that a check of ours is needed; and that an empty lock is not taken for none."""
    damaged(project, 0)
    said = dvc("repro", cwd=project, check=False)
    assert "validation failed" in said
    assert not (project / "ran").exists()
