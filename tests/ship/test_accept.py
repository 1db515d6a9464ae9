"""`make relock`: what was learnt is kept where only code has changed."""

import shutil

import pytest

from tests.pipeline.project import commit
from tests.ship.project import CELLS


@pytest.fixture
def coded(unshipped, ship):
    """Return a shipped repository whose code lies where code does."""
    folder = unshipped.folder
    (folder / "stages").mkdir()
    shutil.move(folder / "learn.py", folder / "stages/learn.py")
    for name in ("dvc.yaml", "stages/learn.py"):
        file = folder / name
        file.write_text(file.read_text().replace("learn.py", "stages/learn.py"))
    unshipped.repro()
    ship(unshipped, "push")
    commit(folder)
    return unshipped


def changed(project):
    """Change the code, as a comment does."""
    with (project.folder / "stages/learn.py").open("a") as file:
        file.write("\n# the same, in other words")


@pytest.mark.parametrize("fresh", [False, True])
def test_code_alone_trains_nothing(coded, ship, tmp_path, fresh):
    project = coded.clone(tmp_path / "clone") if fresh else coded
    changed(project)
    said = ship(project, "accept")
    assert "3 cells that learn are locked with the present code" in said
    assert all(f"  {cell}: stages/learn.py" in said for cell in CELLS)
    assert project.dirty().split() == ["M", "dvc.lock", "M", "stages/learn.py"]
    assert "3 of 3 cells that learn are here" in ship(project, "pull")
    assert not set(project.repro()) & {"base", "net", "head"}
    ship(project, "push")
    ship(project, "check")


def test_the_lock_changes_in_the_code_hashes_only(coded, ship):
    lock = coded.folder / "dvc.lock"
    before = lock.read_text().splitlines()
    changed(coded)
    ship(coded, "accept")
    after = lock.read_text().splitlines()
    moved = [new.split()[0] for old, new in zip(before, after, strict=True) if old != new]
    assert moved == ["md5:", "size:"] * 3
    ship(coded, "accept")
    assert lock.read_text().splitlines() == after


def test_what_changed_besides_is_trained(coded, ship):
    changed(coded)
    coded.seeds(net=1)
    said = ship(coded, "accept")
    assert "2 cells that learn are locked" in said
    assert "left to be trained: train@net (seeds.net)" in said
    assert {"base", "net", "head"} & set(coded.repro()) == {"net"}
