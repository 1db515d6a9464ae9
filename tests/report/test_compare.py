"""`report.compare` on a repository with two commits: a threshold moved, a number with it, and some clips flipped."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest
import yaml

from stages.report.compare.moved import bounds, set_bounds
from stages.stats.design import Design
from tests.conftest import ROOT, dvc
from tests.report import small

pytestmark = pytest.mark.slow

MAKE = """
import sys
sys.path.insert(0, sys.argv[1])
import yaml
from stages.base.paths import Run
from stages.base.schema import MANIFEST, PREDICTIONS, SPLITS, VERDICTS
from stages.base.tables import read_table, write_json, write_table
from tests.report import small
run, threshold = Run("small"), yaml.safe_load(open("params.yaml"))["score"]["threshold"]
if sys.argv[2] == "ingest":
    small.write(run, keyframes=False)
else:
    clips = small.SMALL.clips
    right = [float(index / 12 > threshold) for index in range(12)]
    write_table(run.verdicts("embedded"), [
        {"clip_id": clip, "method": "embedded", "metric": "similarity", "right": value, "repeats": 1}
        for clip, value in zip(clips, right)], VERDICTS)
    write_json(run.headlines("embedded"), {"cs.similarity.mca": sum(right) / 12, "cs.similarity.macro_f1": 0.5})
"""
ENV = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1"}


@pytest.fixture(scope="module")
def repo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    git(folder, "init", "-q")
    dvc("init", "-q", cwd=folder)
    (folder / "stages/score").mkdir(parents=True)
    (folder / "stages/score/make.py").write_text(MAKE)
    (folder / "params.yaml").write_text(yaml.safe_dump({"score": {"threshold": 0.5}}))
    make = f"{sys.executable} stages/score/make.py {ROOT}"
    tables = [f"data/small/{name}" for name in ("manifest.parquet", "splits.parquet", "predictions/embedded.parquet")]
    stages = {
        "ingest": {"cmd": f"{make} ingest", "outs": tables},
        "score": {
            "cmd": f"{make} score",
            "deps": ["stages/score", tables[0]],
            "params": ["score.threshold"],
            "outs": ["data/small/verdicts", {"metrics/small/headlines": {"cache": False}}],
        },
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
    commit(folder, "first")
    (folder / "params.yaml").write_text(yaml.safe_dump({"score": {"threshold": 0.7}}))
    (folder / "stages/score/more.py").write_text("# another file\n")
    commit(folder, "second")
    return folder


def git(folder, *arguments):
    subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e", *arguments], cwd=folder, check=True, capture_output=True
    )


def commit(folder, tag):
    dvc("repro", "-q", cwd=folder, env=ENV)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", tag)
    git(folder, "tag", tag)


def compare(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "stages.report.compare", *arguments],
        cwd=folder,
        env={**os.environ, **ENV},
        capture_output=True,
        text=True,
        check=False,
    )


def test_numbers_causes_and_flips(repo):
    done = compare(repo, "first", "second", "--html", "changes.html")
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert "Headline numbers: 1 moved, 1 the same" in shown
    assert re.search(r"small\s+embedded\s+cs\.similarity\.mca\s+41\.7\s+25\.0\s+-16\.7\s+-\S+ to \S+", shown)
    assert "\n  score: ran again\n      param score.threshold: 0.5 → 0.7" in shown
    assert "code stages/score: stages/score/more.py" in shown
    assert "ingest" not in shown
    assert "0 became right, 2 wrong" in shown
    assert f"- {small.SMALL.clips[7]}" in shown
    page = (repo / "changes.html").read_text()
    assert "param score.threshold: 0.5 → 0.7" in page
    assert "0 became right" in page


def test_the_working_tree_is_the_default(repo):
    shown = compare(repo, "second").stdout
    assert "working tree" in shown
    assert "Headline numbers: 0 moved, 2 the same" in shown
    assert "Stages: 0 ran again" in shown


def test_lost_cache_leaves_numbers_without_interval(repo):
    cache = repo / ".dvc/cache"
    cache.rename(repo / "elsewhere")
    done = compare(repo, "first", "second")
    (repo / "elsewhere").rename(cache)
    assert done.returncode == 0, done.stderr
    assert re.search(r"cs\.similarity\.mca\s+41\.7\s+25\.0\s+-16\.7\s*$", done.stdout, re.M)


def test_an_unknown_revision_is_one_message(repo):
    done = compare(repo, "nowhere")
    assert done.returncode == 1
    assert "git knows no revision 'nowhere'" in done.stderr
    assert "Traceback" not in done.stderr


def test_bounds_hold_the_difference_and_vanish_where_nothing_moved():
    design = Design.of(["a"] * 6 + ["b"] * 6, list("123456") * 2)
    moved = np.array([1, 0, 0, 1, 0, 0, 0, 1, 0, 0, -1, 0], dtype=float)
    for aggregate in ("mca", "accuracy"):
        low, high = bounds(design, moved, aggregate)
        assert low < moved.mean() < high
        assert bounds(design, np.zeros(12), aggregate) == (0.0, 0.0)


def test_sets_have_bounds_of_the_difference_in_macro_f1():
    clips = [(["a"], str(n % 5), ["a"] if n % 3 else [], ["a"] if n % 7 else ["b"]) for n in range(60)]
    low, high, count = set_bounds(clips)
    assert low < (2 * 51 / (60 + 51)) - (2 * 40 / (60 + 40)) < high
    assert count == 60
    assert set_bounds([(labels, cluster, said, said) for labels, cluster, said, _ in clips]) == (0.0, 0.0, 60)
    assert set_bounds([([], "1", [], [])]) is None
