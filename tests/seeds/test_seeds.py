"""Other seeds of a project of stubs: what runs, what it costs to go on, what the tables hold."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from dvc.utils.serialize import load_yaml

from tests.conftest import dvc
from tests.seeds.project import FILES, environ, ran, write_project

CELLS = [
    "adapt_1@home_embedded_head_cs",
    "base@home_1",
    "base_adapt_1@home_embedded_head_cs",
    "train_1@home_net_cs",
]
pytestmark = pytest.mark.slow
TRAINED, ADAPTED, BASE = "net.recipe.seed-1", "head.recipe.seed-1", "embedded.seed-1"
#: What follows from any row: null models answer for all methods at once, which are measured and scored together.
AFTER = ("nulls home", "measure home none data/none", "score home data/none")


def start(project: Path, *arguments: str) -> subprocess.Popen[str]:
    env = {**os.environ, **environ(project)}
    env.pop("PYTHONPATH", None)
    return subprocess.Popen(
        [sys.executable, "-m", "stages.seeds", *arguments],
        cwd=project,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def killed(process: subprocess.Popen[str]) -> None:
    """Kill a command and all that it started, and see to it that no process of that number is left.

    Where the first process of a machine takes no leave of orphans, as in many containers, DVC would go on to see them.
    """
    ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: orphans become children of this process
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-process.pid, 0)


def seeds(project: Path, *arguments: str, fails: bool = False) -> str:
    process = start(project, *arguments)
    output = process.communicate(timeout=300)[0]
    assert (process.returncode != 0) == fails, output
    assert "Traceback" not in output
    return output


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    project = write_project(tmp_path_factory.mktemp("shipped"))
    ran(project)
    return project


@pytest.fixture(scope="module")
def whole(shipped, tmp_path_factory):
    project = tmp_path_factory.mktemp("whole") / "project"
    shutil.copytree(shipped, project)
    output = seeds(project, "run", "--jobs", "2")
    assert "4 cells, 4 to run" in output
    (project / "ran.txt").write_text("\n".join(ran(project)))
    return project


@pytest.fixture
def copy(request, tmp_path):
    """Return a copy, to change, of the project that the test names."""
    return Path(shutil.copytree(request.getfixturevalue(request.param), tmp_path / "project"))


of_whole = pytest.mark.parametrize("copy", ["whole"], indirect=True)
of_shipped = pytest.mark.parametrize("copy", ["shipped"], indirect=True)


def test_only_what_the_seed_touches_runs(whole):
    assert sorted((whole / "ran.txt").read_text().splitlines()) == sorted(
        [
            f"train home net_cs net cs {TRAINED}",
            f"adapt home embedded_head_cs embedded head cs {ADAPTED}",
            f"pretrain embedded embedded none none {BASE}",  # once, for two cells
            f"adapt home embedded_head_cs embedded head cs {BASE}",
            f"infer home embedded_list embedded list all {BASE}",
            *(f"{words} {place}" for words in AFTER for place in (TRAINED, ADAPTED, BASE)),
        ]
    )


def test_only_the_seed_differs_in_the_workspace(whole):
    for workspace, recipe, block in (
        (TRAINED, "net", ("recipe",)),
        (ADAPTED, "head", ("recipe",)),
        (BASE, "embedded", ()),
    ):
        place = whole / ".seeds" / workspace
        assert (place / "params.yaml").read_bytes() == (whole / "params.yaml").read_bytes()
        files = {path.relative_to(whole).as_posix() for path in (whole / "params").rglob("*.yaml")}
        assert (
            files == {path.relative_to(place).as_posix() for path in (place / "params").rglob("*.yaml")} == set(FILES)
        )
        for file in files - {f"params/recipes/{recipe}.yaml"}:
            assert (place / file).read_bytes() == (whole / file).read_bytes()
        values = load_yaml(str(place / f"params/recipes/{recipe}.yaml"))
        changed = values
        for key in block:
            changed = changed[key]
        assert changed.pop("seed") == 1
        changed["seed"] = 0
        assert values == FILES[f"params/recipes/{recipe}.yaml"]


@of_whole
def test_the_table_holds_every_draw_and_the_shipped_run(copy):
    before = {path: path.read_bytes() for path in (copy / "metrics").rglob("*.json")}
    assert "4 cells, 18 rows" in seeds(copy, "gather")
    text = (copy / "metrics/home/seeds/seeds.csv").read_text()
    assert text.startswith("method,protocol,metric,aggregate,base_seed,seed,value\n")
    rows = pl.read_csv(text.encode())
    assert rows.rows() == sorted(rows.rows())
    assert rows["aggregate"].unique().sort().to_list() == ["accuracy", "mca"]
    assert rows.filter(pl.col("aggregate") == "mca").drop("protocol", "metric", "aggregate").rows() == [
        ("embedded_head_cs", 0, 0, 0.333333),
        ("embedded_head_cs", 0, 1, 0.343333),
        ("embedded_head_cs", 1, 0, 0.433333),
        ("embedded_list", 0, 0, 0.333333),
        ("embedded_list", 1, 0, 0.343333),
        ("net_cs", 0, 0, 0.333333),
        ("net_cs", 0, 1, 0.343333),
        ("null_constant", 0, 0, 0.333333),
        ("null_constant", 1, 0, 0.333333),
    ]
    assert {path: path.read_bytes() for path in (copy / "metrics").rglob("*.json")} == before
    assert (copy / "metrics/home/seeds/clips.csv").read_text().splitlines() == [
        "method,metric,clip_id,said",
        'embedded_head_cs,answer,a,"[""Walk""]"',
        "embedded_head_cs,answer,b,[null]",
        'net_cs,answer,a,"[""Walk""]"',
        "net_cs,answer,b,[null]",
    ]


@of_whole
def test_a_second_run_does_nothing(copy):
    assert "4 cells, 0 to run" in seeds(copy, "run")
    assert ran(copy) == []


@of_whole
def test_the_root_graph_does_not_run_the_seeds(copy):
    assert "Data and pipelines are up to date" in dvc("repro", cwd=copy)


@of_whole
def test_without_workspaces_and_run_from_the_cache(copy):
    """Of a clone that pulled the cells nothing is stale; a forced cell finds in the cache what it learnt."""
    shutil.rmtree(copy / ".seeds")
    assert "0 to run" in seeds(copy, "run")
    seeds(copy, "run", "--force", "--only", "train_1@*")
    assert ran(copy) == []


@of_whole
def test_another_shipped_model_makes_its_row_stale_and_no_other(copy):
    recipe = copy / "params/recipes/net.yaml"
    recipe.write_text(recipe.read_text().replace("seed: 0", "seed: 5"))
    output = seeds(copy, "run", fails=True)
    assert "params/recipes/net.yaml, key 'recipe': the shipped train@home_net_cs was made by another value" in output
    dvc("repro", "-q", cwd=copy, env=environ(copy))
    ran(copy)
    assert "missing or stale: train_1@home_net_cs" in seeds(copy, "gather", fails=True)
    assert "4 cells, 1 to run" in seeds(copy, "run")
    assert ran(copy) == [f"train home net_cs net cs {TRAINED}", *(f"{words} {TRAINED}" for words in AFTER)]
    seeds(copy, "gather")
    rows = pl.read_csv(copy / "metrics/home/seeds/seeds.csv")
    draws = rows.filter((pl.col("method") == "net_cs") & (pl.col("aggregate") == "mca"))
    assert draws.select("seed", "value").rows() == [(0, 0.383333), (1, 0.393333)]


@of_whole
def test_a_key_that_was_added_to_a_recipe_is_another_value_too(copy):
    with (copy / "params/recipes/net.yaml").open("a") as recipe:
        recipe.write("averaged: true\n")
    output = seeds(copy, "run", "--only", "train_1@*", fails=True)
    assert "params/recipes/net.yaml, key 'averaged': the shipped train@home_net_cs was made by another value" in output
    assert ran(copy) == []


@of_shipped
def test_rows_of_other_recipes_learn_at_the_same_time(copy):
    """Only cells of one workspace take turns."""
    slow = copy / ".journal/slow"
    slow.touch()
    process = start(copy, "run", "--jobs", "2", "--only", "*_1@*")
    until(lambda: {line.split()[0] for line in lines(copy)} >= {"train", "adapt"}, process)
    slow.unlink()
    assert "3 cells, 3 to run" in process.communicate(timeout=300)[0]
    assert process.returncode == 0


@of_whole
def test_code_that_learns_the_same_bytes_makes_nothing_stale(copy):
    code = copy / "stages/stub.py"
    code.write_text(code.read_text() + "# changed\n")
    dvc("repro", "-q", cwd=copy, env=environ(copy))
    assert "4 cells, 0 to run" in seeds(copy, "run")


@of_whole
def test_a_missing_cell_is_named_and_left_out_only_on_demand(copy):
    (copy / "seeds/cells/home/net_cs_1.csv").unlink()
    output = seeds(copy, "gather", fails=True)
    assert "1 of 4 cells are missing or stale: train_1@home_net_cs" in output
    assert not (copy / "metrics/home/seeds/seeds.csv").exists()
    assert "3 cells, 14 rows; 1 cells left out" in seeds(copy, "gather", "--partial")


@of_whole
def test_numbers_of_an_older_scoring_are_no_seeds_of_the_shipped_run(copy):
    code = copy / "stages/stub.py"
    code.write_text(code.read_text().replace('"accuracy": 0.25', '"recall": 0.25'))
    dvc("repro", "-q", "-f", "-s", "score@home", cwd=copy, env=environ(copy))
    output = seeds(copy, "gather", fails=True)
    assert "seeds/cells/home/net_cs_1.csv, row net_cs/cs/answer/" in output
    assert "--force --only 'train_1@home_net_cs'" in output
    seeds(copy, "run", "--force", "--only", "train_1@home_net_cs")


@of_shipped
def test_a_killed_run_goes_on(copy):
    slow = copy / ".journal/slow"
    seeds(copy, "run", "--only", "train_1@*")
    ran(copy)
    slow.touch()
    process = start(copy, "run")
    until(lambda: "adapt" in "".join(lines(copy)), process)
    killed(process)
    slow.unlink()
    ran(copy)
    assert "4 cells, 3 to run" in seeds(copy, "run")
    assert not [line for line in ran(copy) if line.startswith("train")]
    assert "4 cells, 18 rows" in seeds(copy, "gather")


@of_whole
def test_a_cell_at_which_another_process_works_is_named(copy):
    out = str(copy / "seeds/cells/home/net_cs_1.csv")
    lock = {"write": {out: {"pid": os.getpid(), "cmd": "dvc repro"}}, "read": {}}
    (copy / ".dvc/tmp/rwlock").write_text(json.dumps(lock))
    output = seeds(copy, "run", fails=True)
    assert f"error: '{out}' is busy, it is being blocked by: (PID {os.getpid()}): dvc repro" in output
    assert "remove .dvc/tmp/rwlock" in output


@of_shipped
def test_a_run_without_the_shipped_models_says_so(copy):
    shutil.rmtree(copy / "data/home/models/net_cs")
    output = seeds(copy, "run", fails=True)
    assert "not there: data/home/models/net_cs" in output
    assert "make repro" in output


@of_shipped
def test_one_failing_cell_does_not_stop_the_others(copy):
    code = copy / "stages/stub.py"
    code.write_text(
        code.read_text().replace(
            "def main() -> None:\n",
            "def main() -> None:\n"
            "    if sys.argv[1] == 'train' and '.seeds' in str(Path.cwd()):\n"
            "        sys.exit('error: no')\n",
        )
    )
    dvc("repro", "-q", cwd=copy, env=environ(copy))
    output = seeds(copy, "run", "--jobs", "2", fails=True)
    assert "1 of 4 cells failed: train_1@home_net_cs" in output
    assert "error: no" in (copy / ".seeds/home_net_cs_1.log").read_text()
    assert sorted(path.name for path in (copy / "seeds/cells/home").glob("*.csv")) == [
        "embedded_base_1.csv",
        "embedded_head_cs_1.csv",
        "embedded_head_cs_1_clips.csv",
        "embedded_head_cs_base_1.csv",
    ]


def lines(project):
    log = project / ".journal/ran.log"
    return log.read_text().splitlines() if log.exists() else []


def until(holds, process):
    end = time.monotonic() + 120
    while not holds():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.05)
