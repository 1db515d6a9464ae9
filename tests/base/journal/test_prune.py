"""Pruning keeps what an output of any commit names, and what it cannot know."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from stages.base.journal.store import Journal
from tests.conftest import ROOT, dvc
from tests.pipeline.project import commit, git

MAKE = """
import sys
from pathlib import Path
import polars as pl
from stages.base.schema import EMBEDDINGS
from stages.base.tables import write_table
rows = [{"journal_key": key, "text": key, "embedding": [1.0]} for key in sys.argv[1:]]
write_table(Path("data/a/measures/m/embeddings.parquet"), rows, EMBEDDINGS)
"""


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A repository with two commits whose outputs name the samples `first` and `second`.

    In the first a method's measures are an output, in the second those of all methods are one.
    """
    folder = tmp_path_factory.mktemp("history")
    git("init", "-q", cwd=folder)
    dvc("init", "-q", cwd=folder)
    (folder / "make.py").write_text(MAKE)
    for key, out in (("first", "data/a/measures/m"), ("second", "data/a/measures")):
        stage = {"cmd": f"{sys.executable} make.py {key}", "outs": [out]}
        (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"measure": stage}}))
        shutil.rmtree(folder / "data", ignore_errors=True)
        git("add", "-A", cwd=folder)  # with it goes a .gitignore of DVC's: what git has is no output
        dvc("repro", "-q", cwd=folder, env={"PYTHONPATH": str(ROOT)})
        commit(folder)
    return folder


@pytest.fixture
def repository(history, tmp_path, monkeypatch):
    """A copy of it, with a journal that nobody has written for an hour."""
    folder = Path(shutil.copytree(history, tmp_path / "copy"))
    monkeypatch.setenv("HAR_JOURNAL", str(folder / ".journal"))
    for room in ("embed", "keywords"):
        with Journal(room) as journal:
            for key in ("first", "second", "third"):
                journal.put(key, {"value": key})
    then = time.time() - 3600
    for segment in (folder / ".journal").glob("*/*.jsonl"):
        os.utime(segment, (then, then))
    return folder


def prune(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "stages.base.journal.prune", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def keys(room):
    with Journal(room) as journal:
        return journal.keys()


def test_samples_of_every_commit_stay(repository):
    said = prune(repository)
    assert "embed: 2 samples would stay, 1 would go" in said
    assert "keywords: kept whole" in said
    assert keys("embed") == {"first", "second", "third"}
    assert "embed: 2 samples kept, 1 dropped" in prune(repository, "--yes")
    assert keys("embed") == {"first", "second"}
    assert keys("keywords") == {"first", "second", "third"}
    with Journal("embed") as journal:
        assert journal.get("first") == {"value": "first"}


@pytest.mark.parametrize("commit", ["HEAD~", "HEAD"])
def test_a_room_stays_whole_where_an_output_is_not_in_the_cache(repository, commit):
    recorded = re.search(r"md5: (\w+)\.dir", git("show", f"{commit}:dvc.lock", cwd=repository))
    (repository / ".dvc/cache/files/md5" / recorded[1][:2] / f"{recorded[1][2:]}.dir").unlink()
    said = prune(repository, "--yes")
    assert "embed: kept whole, 1 outputs" in said
    assert "dvc fetch --all-commits" in said
    assert keys("embed") == {"first", "second", "third"}


def test_refuses_while_somebody_writes(repository):
    with Journal("embed") as journal:
        journal.put("fourth", {"value": "fourth"})
        assert "may be in use" in prune(repository, "--yes")
    assert len(keys("embed")) == 4


def test_outside_a_repository(tmp_path):
    assert "not inside a DVC repository" in prune(tmp_path)
