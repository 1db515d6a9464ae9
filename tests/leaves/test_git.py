"""What git takes of a data set after `git add -A`, and what `ingest` says of a licensed one that a push would send."""

import shutil
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

from tests.conftest import ROOT, dvc
from tests.ingest.clips import write_clip
from tests.pipeline.project import git
from tests.stage import Workplace

INGEST = {
    "adapter": "folders",
    "licensed": False,
    "accept_leaks": [],
    "protocols": {"random": {"folds": 2, "seed": 0, "validation": False}},
}
GRAPH = {
    "stages": {
        "ingest": {
            "cmd": "python -m stages.ingest mine data/mine/clips",
            "deps": ["data/mine/clips"],
            "params": [{"params/datasets/mine.yaml": ["ingest"]}],
            "outs": [
                "data/mine/manifest.parquet",
                "data/mine/splits.parquet",
                "data/mine/classes.json",
                {"metrics/mine/audit.json": {"cache": False}},
            ],
        },
        "keywords": {
            "cmd": "echo '{}' > data/mine/keywords.json && test ! -e fail",
            "deps": ["data/mine/manifest.parquet"],
            "outs": ["data/mine/keywords.json"],
        },
    }
}


@pytest.fixture
def mine(tmp_path):
    """A repository with the project's rules for git and somebody's own clips, a folder a class."""
    git("init", "-q", cwd=tmp_path)
    Repo.init(str(tmp_path)).close()
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "stages").symlink_to(ROOT / "stages")
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump(GRAPH))
    (tmp_path / "params/datasets").mkdir(parents=True)
    (tmp_path / "params/datasets/mine.yaml").write_text(yaml.safe_dump({"ingest": INGEST}))
    for seed, name in enumerate(["walk/a", "walk/b", "sit/c", "sit/d"]):
        path = tmp_path / f"data/mine/clips/{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_clip(path, seed=seed)
    return tmp_path


def added(project: Path) -> set[str]:
    git("add", "-A", cwd=project)
    return {name for name in git("ls-files", cwd=project).split("\n") if name.startswith("data/")}


def test_nothing_of_a_data_set_is_committed(mine):
    """After the README's recipe, before any run; what lies in a folder of clips is a clip, whatever it is called."""
    for name in ("notes.dvc", ".gitignore", "annotations.csv"):
        (mine / "data/mine/clips/walk" / name).write_text("!*\n")
    assert added(mine) == set()


@pytest.mark.parametrize("failing", [False, True])
def test_nothing_but_pointers_is_committed_after_a_run(mine, failing):
    if failing:
        (mine / "fail").touch()
    dvc("repro", cwd=mine, check=not failing)
    assert (mine / "data/mine/manifest.parquet").exists()
    assert (mine / "data/mine/keywords.json").exists()
    assert added(mine) - {"data/mine/.gitignore"} == set()
    dvc("add", "data/mine/clips", cwd=mine)
    assert added(mine) - {"data/mine/.gitignore"} == {"data/mine/clips.dvc"}
    assert dvc("status", "data/mine/clips.dvc", "ingest", cwd=mine).strip().endswith("up to date.")


@pytest.fixture
def licensed(mine, monkeypatch):
    """The same clips, licensed; returns what `ingest` says of them."""
    place = Workplace.__new__(Workplace)
    place.folder, place._monkeypatch = mine, monkeypatch
    monkeypatch.chdir(mine)
    monkeypatch.delenv("DVC_STAGE", raising=False)

    def ingest(source: str = "data/mine/clips", licence: bool = True) -> str:
        return place.run("ingest", "mine", source, values={"ingest": {"mine": INGEST | {"licensed": licence}}})

    return ingest


def without_push(pointer: Path) -> None:
    content = yaml.safe_load(pointer.read_text())
    content["outs"][0]["push"] = False
    pointer.write_text(yaml.safe_dump(content))


def test_a_licensed_source_whose_pointer_would_be_pushed(mine, licensed):
    assert licensed() == "", "no pointer: nothing pushes it"
    dvc("add", "data/mine/clips", cwd=mine)
    said = licensed()
    assert "data/mine/clips.dvc, key 'outs.push': mine is licensed, and `dvc push` would send" in said
    assert "write `push: false`" in said
    assert licensed(licence=False) == ""
    without_push(mine / "data/mine/clips.dvc")
    assert licensed() == ""


@pytest.mark.parametrize(
    ("pointer", "content"),
    [
        ("data/mine.dvc", {"outs": [{"path": "mine"}]}),
        ("data/mine/walking.dvc", {"outs": [{"path": "clips/walk"}]}),
        ("data/mine/other.dvc", {"wdir": "clips", "outs": [{"path": "walk/a.mp4"}]}),
        ("all.dvc", {"outs": [{"path": "params"}, {"path": "data"}]}),
    ],
)
def test_a_pointer_to_more_or_less_than_the_clips_or_with_a_name_of_its_own(mine, licensed, pointer, content):
    (mine / pointer).write_text(yaml.safe_dump(content))
    assert f"{pointer}, key 'outs.push'" in licensed()
    content["outs"][-1]["push"] = False
    (mine / pointer).write_text(yaml.safe_dump(content))
    assert licensed() == ""


def test_a_licensed_source_that_git_has_or_would_take(mine, licensed):
    git("add", "-f", "data/mine/clips/walk/a.mp4", cwd=mine)
    said = licensed()
    assert "data/mine/clips/walk/a.mp4, key 'ingest.mine.licensed': mine is licensed, and git tracks 1 of" in said
    git("rm", "-q", "--cached", "data/mine/clips/walk/a.mp4", cwd=mine)
    assert licensed() == ""
    shutil.move(mine / "data/mine/clips", mine / "videos")
    assert "git does not ignore 4 of its files: `git add -A` would take them" in licensed("videos")
    with (mine / ".gitignore").open("a") as file:
        file.write("/videos\n")
    assert licensed("videos") == ""
