"""A licensed data set with all that was made of it, a real DVC remote and a real git remote: what arrives there."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from stages.base.licence import tell_unchecked
from tests.conftest import ROOT
from tests.ingest.clips import write_clip
from tests.pipeline.project import commit, git

PROTOCOLS = {"random": {"folds": 2, "seed": 0, "validation": False}}
KEYFRAMES = {"method": "uniform", "count": 2, "seed": 0, "format": "jpeg", "quality": 95, "side": None}
SETS = ("home", "ward")
CLIPS = {"home": ("walk/a", "walk/b", "stand/c"), "ward": ("walk/a", "walk/b", "sit/c", "sit/d")}
TEXT = "a man with a walking frame stands up beside his bed, number {}\n"


def record(name):
    return {"clips": f"data/{name}/clips", "published": "data/none", "official": "data/none"}


def params(*names):
    """The study: which of the data sets are in it, licensed or not."""
    records = {name: record(name) for name in names or SETS}
    kept = {name: one for name, one in records.items() if name == "ward"}
    pushed = {name: one for name, one in records.items() if name not in kept}
    return {"here": "", "root": ".", "datasets": records, "ingested": records, "kept": kept, "pushed": pushed}


def block(licensed):
    """All about a data set."""
    ingest = {"adapter": "folders", "licensed": licensed, "protocols": PROTOCOLS, "accept_leaks": []}
    return {"ingest": ingest, "keyframes": KEYFRAMES}


def say(project, name, licensed):
    (project / "params/datasets").mkdir(parents=True, exist_ok=True)
    (project / f"params/datasets/{name}.yaml").write_text(yaml.safe_dump(block(licensed)))


def graph():
    """The project's own stages as far as they take no model; what models say comes from `say.py`."""
    real = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    stages = {name: real[name] for name in ("ingest", "keyframes", "keyframes_kept")}
    for body in stages.values():
        body["do"]["deps"] = [dep for dep in body["do"]["deps"] if not dep.startswith("stages")]
    stages["say"] = {
        "foreach": "${datasets}",
        "do": {
            "cmd": "python say.py ${key}",
            "deps": ["say.py", "data/${key}/manifest.parquet", "data/${key}/keyframes"],
            "outs": [
                "data/${key}/captions.parquet",
                "data/${key}/predictions",
                "data/models/${key}_captioner",
                "data/${key}/report",
                {"metrics/${key}/summary.csv": {"cache": False}},
            ],
        },
    }
    return {"stages": stages}


SAY = """
import sys
from pathlib import Path
name = sys.argv[1]
text = f"{name}: " + "".join(TEXT.format(k) for k in range(20))
for path in (f"data/{name}/captions.parquet", f"data/{name}/predictions/model.parquet", f"data/{name}/report/i.html",
             f"data/models/{name}_captioner/weights", f"metrics/{name}/summary.csv"):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("value\\n0.5\\n" if path.startswith("metrics") else f"{path} {text}")
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment of its own with the packages of this one, so that hooks can be put into it.

    Its path holds the packages of this one, but what starts with this one does not start with it: the check of this
    project's own pushes would stay after `unhook`.
    """
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return folder / "bin"


@pytest.fixture(scope="module")
def _computed(tmp_path_factory, environment):
    project = tmp_path_factory.mktemp("computed")
    git("init", "-qb", "main", cwd=project)
    Repo.init(str(project)).close()
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, project)
    shutil.copytree(ROOT / "stages", project / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "dvc.yaml").write_text(yaml.safe_dump(graph(), sort_keys=False))
    (project / "params.yaml").write_text(yaml.safe_dump(params()))
    (project / ".dvc/config").write_text("[core]\n    analytics = false\n")  # git sends equal files as one
    for name in ("data/none", "data/models/none"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).touch()
    for name in SETS:
        say(project, name, licensed=name == "ward")
    (project / "say.py").write_text(f"TEXT = {TEXT!r}\n{SAY}")
    for seed, clip in enumerate(f"{name}/clips/{clip}" for name in SETS for clip in CLIPS[name]):
        write_clip(project / f"data/{clip}.mp4", seed=seed)
    run(environment, "dvc", "add", "data/home/clips", "data/ward/clips", cwd=project)
    pointer = project / "data/ward/clips.dvc"
    content = yaml.safe_load(pointer.read_text())
    content["outs"][0]["push"] = False
    pointer.write_text(yaml.safe_dump(content))
    run(environment, "dvc", "repro", cwd=project)
    commit(project)
    return project


@pytest.fixture
def project(_computed, tmp_path):
    """A repository with two data sets, everything of them computed, one licensed; a DVC remote and a git remote."""
    project = Path(shutil.copytree(_computed, tmp_path / "project", symlinks=True))
    git("init", "-q", "--bare", str(tmp_path / "git"), cwd=tmp_path)
    git("remote", "add", "origin", str(tmp_path / "git"), cwd=project)
    return project


def run(bin: Path, module: str, *arguments: str, cwd: Path, fails: bool = False, checks: str = "") -> str:
    env = {**os.environ, "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}", "HAR_PUSH": checks}
    done = subprocess.run(
        [bin / "python", "-m", module, *arguments], cwd=cwd, env=env, capture_output=True, text=True, check=False
    )
    assert bool(done.returncode) == fails, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def at(environment, project, tmp_path):
    """Return a function that runs a module in the project, the checks being installed and the remote known."""

    def in_project(module: str, *arguments: str, fails: bool = False, checks: str = "") -> str:
        return run(environment, module, *arguments, cwd=project, fails=fails, checks=checks)

    in_project("dvc", "remote", "add", "--local", "--default", "store", str(tmp_path / "store"))
    in_project("stages.leaves", "hooks")
    yield in_project
    in_project("stages.leaves", "unhook")


def stored(project: Path) -> list[bytes]:
    return [path.read_bytes() for path in (project.parent / "store").rglob("*") if path.is_file()]


def of_ward(project: Path) -> list[bytes]:
    paths = [*(project / "data/ward").rglob("*"), *(project / "data/models/ward_captioner").rglob("*")]
    found = [path for path in paths if path.is_file() and not path.name.endswith((".dvc", ".gitignore"))]
    assert {path.suffix for path in found} >= {".mp4", ".parquet", ".html", ""}
    return [path.read_bytes() for path in found]


def leaked(project: Path) -> list[bytes]:
    """Return the contents of the licensed data set that are in the remote, alone or within something else."""
    blobs = stored(project)
    return [content for content in of_ward(project) if any(content in blob or blob in content for blob in blobs)]


def test_nothing_of_a_licensed_data_set_arrives(project, at):
    said = at("dvc", "push", fails=True)
    assert "nothing was pushed" in said
    assert "data/ward/captions.parquet: made of a licensed data set" in said
    assert "data/models/ward_captioner: made of a licensed data set" in said
    assert stored(project) == []
    said = at("stages.leaves", "push")
    assert "9 outputs; 7 outputs that are licensed stay here" in said
    assert leaked(project) == []
    home = [path for path in (project / "data/home").rglob("*") if path.is_file() and ".gitignore" not in path.name]
    assert all(path.read_bytes() in stored(project) for path in home if path.suffix != ".dvc")
    assert "Everything is up to date" in at("dvc", "push", "ingest@home")
    at("dvc", "push", "--all-commits", "--run-cache", fails=True)
    assert leaked(project) == []


def test_without_the_check_they_would_leave(project, at):
    """So that the test above is one of the check."""
    at("stages.leaves", "unhook")
    at("dvc", "push", checks="unchecked")  # the environment around this one may have the check too
    assert leaked(project)
    clips = [path.read_bytes() for path in (project / "data/ward/clips").rglob("*.mp4")]
    assert not set(clips) & set(stored(project)), "push: false needs no check"


def test_an_environment_that_make_sets_up_asks_before_dvc_push(project, at):
    at("stages.leaves", "unhook")
    setup = (ROOT / "Makefile").read_text().partition("/.complete: pyproject")[2].partition("\n\n")[0]
    (command,) = [line.split()[2:] for line in setup.splitlines() if "stages.leaves" in line]
    assert str(project) not in at(*command), "git's hooks are the user's"
    assert not (project / ".git/hooks/pre-push").exists()
    assert "nothing was pushed" in at("dvc", "push", fails=True)
    assert stored(project) == []
    assert "warning" not in at("stages.ingest", "ward", "data/ward/clips")
    at("dvc", "push", checks="unchecked")
    assert leaked(project), "who may send it says so"


def test_ingest_tells_where_nothing_asks(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "har_vlm_leaves", raising=False)
    tell_unchecked("ward")
    assert "ward is licensed" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "har_vlm_leaves", sys)
    tell_unchecked("ward")
    assert capsys.readouterr().err == ""


def test_a_licensed_clip_under_another_name(project, at):
    copy = project / "data/home/more/b.bin"
    copy.parent.mkdir()
    shutil.copy(project / "data/ward/clips/sit/c.mp4", copy)
    (copy.parent / "own").write_text("own " * 20)
    at("dvc", "add", "data/home/more")
    assert "data/home/more: holds what data/ward/clips holds" in at("dvc", "push", "data/home/more.dvc", fails=True)
    at("stages.leaves", "push")
    assert leaked(project) == []
    copy.unlink()
    at("dvc", "add", "data/home/more")
    at("dvc", "push", "data/home/more.dvc")


def test_what_was_licensed_in_an_older_commit(project, at):
    """What params say now counts; of a data set that they no longer name, what they said then."""
    (project / "params/datasets/ward.yaml").unlink()
    (project / "params.yaml").write_text(yaml.safe_dump(params("home")))
    commit(project)
    said = at("dvc", "push", "--all-commits", fails=True)
    assert "data/ward/captions.parquet of " in said
    assert stored(project) == []
    say(project, "ward", licensed=False)
    at("dvc", "push", "--all-commits")


def pushed(project: Path, at) -> str:
    """Return what a refused `git push` said; empty where it was let through."""
    done = subprocess.run(
        ["git", "push", "-q", "origin", "HEAD"], cwd=project, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    return done.stderr if done.returncode else ""


def test_git_sends_no_content_of_a_licensed_data_set(project, at):
    assert pushed(project, at) == ""
    for name, content in (("notes/clip.bin", "data/ward/clips/walk/a.mp4"), ("one.txt", "data/ward/captions.parquet")):
        (project / name).parent.mkdir(exist_ok=True)
        shutil.copy(project / content, project / name)
    commit(project)
    said = pushed(project, at)
    assert "notes/clip.bin: holds what data/ward/clips" in said
    assert "one.txt: holds what data/ward/captions.parquet holds" in said
    shutil.rmtree(project / "notes")
    (project / "one.txt").unlink()
    commit(project)
    assert "notes/clip.bin" in pushed(project, at), "it is in the history that would be sent"
    git("reset", "-q", "--hard", "HEAD~2", cwd=project)
    (project / "readme.txt").write_text("nothing of it")
    commit(project)
    assert pushed(project, at) == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("data/ward/notes.txt", "of a licensed data set"),
        ("data/new/clips/a.mp4", "of no data set that params/datasets names (new)"),
        ("data/models/ward_captioner/notes.txt", "of a licensed data set"),
        ("data/home/notes.txt", ""),
    ],
)
def test_git_sends_no_file_at_a_licensed_place(project, at, name, says):
    assert pushed(project, at) == ""
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text("written by hand")
    git("add", "-f", name, cwd=project)
    git("commit", "-qm", "by hand", cwd=project)
    said = pushed(project, at)
    assert f"{name}: {says}" in said if says else said == ""


def test_a_hook_that_was_there_runs_too_and_comes_back(project, at, tmp_path):
    at("stages.leaves", "unhook")
    hook = project / ".git/hooks/pre-push"
    assert not hook.exists()
    text = f'#!/bin/sh\necho "$1" $(cat | wc -l) > {tmp_path / "ran"}\n'
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(text)
    hook.chmod(0o755)
    at("stages.leaves", "hooks")
    at("stages.leaves", "hooks")
    assert pushed(project, at) == ""
    assert (tmp_path / "ran").read_text() == "origin 1\n"
    at("stages.leaves", "unhook")
    assert hook.read_text() == text
    at("dvc", "push")


def test_the_list_names_both(project, at):
    said = at("stages.leaves", "list")
    ward, home = said.split("home (not licensed)")
    assert ward.startswith("ward (licensed)\n")
    assert "do not: 7, " in ward
    assert "stays here, push: false: 2" in ward
    assert "data/ward/clips, data/ward/keyframes" in ward
    assert "dvc push sends: 8" in home
    assert "metrics/ward/summary.csv" in ward.partition("git push sends")[2]
