"""`dvc exp run`, also elsewhere and queued, with the journal on shared storage: no sample is computed twice."""

import json
import subprocess
import sys

import pytest

from tests.conftest import dvc
from tests.pipeline.project import BLOCKS, REPLAY, git

pytestmark = pytest.mark.slow
THRESHOLD = f"{BLOCKS}:score.thresholds.similarity"
SEED = f"{BLOCKS}:nulls.seed"


def shown(project, env):
    """Return similarity's threshold of each experiment, by name."""
    table = json.loads(
        subprocess.run(
            [sys.executable, "-m", "dvc", "exp", "show", "--json"], cwd=project, check=True, capture_output=True
        ).stdout
    )
    found = {}
    for row in table:
        for experiment in row["experiments"] or []:
            for revision in experiment["revs"]:
                params = revision["data"]["params"][BLOCKS]["data"]
                found[experiment["name"]] = params["score"]["thresholds"]["similarity"]
    return found


def test_experiments_here_elsewhere_and_queued(copy, tmp_path):
    project, env = copy, {"HAR_JOURNAL": str(tmp_path / "shared")}
    (project / ".journal").rename(tmp_path / "shared")
    before = git("rev-parse", "HEAD", cwd=project)

    # Elsewhere: in a copy of the tree. Other draws of the null models are measured: of known texts.
    output = dvc(
        "exp",
        "run",
        "--temp",
        "-n",
        "elsewhere",
        "-S",
        f"{THRESHOLD}=0.6",
        "-S",
        f"{SEED}=1",
        REPLAY,
        cwd=project,
        env=env,
    )
    closing = [line for line in output.splitlines() if "texts embedded" in line]
    assert closing
    assert all(" 0 of " in line for line in closing), closing
    assert git("status", "--porcelain", cwd=project) == ""

    dvc("exp", "run", "--queue", "-n", "queued", "-S", f"{THRESHOLD}=0.7", REPLAY, cwd=project, env=env)
    dvc("queue", "start", cwd=project, env=env)
    dvc("queue", "logs", "-f", "queued", cwd=project, env=env)
    dvc("exp", "run", "-n", "here", "-S", f"{THRESHOLD}=0.8", REPLAY, cwd=project, env=env)

    assert shown(project, env) == {"elsewhere": 0.6, "queued": 0.7, "here": 0.8}
    difference = dvc("exp", "diff", "elsewhere", "queued", cwd=project)
    assert "score.thresholds.similarity" in difference
    assert git("rev-parse", "HEAD", cwd=project) == before
