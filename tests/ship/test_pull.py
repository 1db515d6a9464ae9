"""`make repro` begins with a pull: what was learnt comes from shipped/, and whatever is wrong there is no error."""

import os
import shutil
import subprocess

import pytest

from tests.conftest import dvc
from tests.pipeline.project import git
from tests.ship.project import CELLS

TRAINED = ["base", "net", "head"]


def flip(path):
    """Flip a bit in the middle, as a failing disk does."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def test_a_clone_trains_nothing_and_stays_clean(clone, ship):
    said = ship(clone, "pull")
    assert "3 of 3 cells that learn are here as dvc.lock has them, 3 of them fetched" in said
    assert "will train" not in said
    assert clone.repro() == ["simulate"]  # DVC passes over `score`: its one output is in git, and fits
    assert clone.dirty() == ""
    assert "3 of 3 cells that learn are here as dvc.lock has them, 0 of them fetched" in ship(clone, "pull")
    assert clone.repro() == []


def test_a_missing_object_is_named_with_what_it_costs(clone, ship):
    lost = clone.store / "record.json"
    record = lost.read_text()
    assert '"seconds": null' in record
    lost.write_text(record.replace('"seconds": null', '"seconds": 240'))
    (missing,) = [
        path
        for path in clone.objects().values()
        if b"card.md" in path.read_bytes()
        and path.name.endswith(".dir")
        and b"trained as net" in _file(clone, path).read_bytes()
    ]
    missing.unlink()
    said = ship(clone, "pull")
    assert "2 of 3 cells that learn are here" in said
    assert "`dvc repro` will train train@net, about 4 min:" in said
    assert f"train@net: shipped/files/md5/{missing.parent.name}/{missing.name} is missing" in said
    assert clone.repro() == ["simulate", "net"]
    assert git("diff", "--stat", "dvc.lock", cwd=clone.folder) == ""  # the same processor: the same bytes


def _file(project, listing):
    import json

    md5 = next(one["md5"] for one in json.loads(listing.read_text()) if one["relpath"] == "card.md")
    return project.objects()[md5]


def test_a_flipped_byte_is_caught_and_the_store_left_as_it_is(shipped, clone, ship):
    damaged = next(
        path
        for path in clone.objects().values()
        if path.read_bytes() == (shipped.folder / "data/models/base/weights").read_bytes()
    )
    flip(damaged)
    content = damaged.read_bytes()
    said = ship(clone, "pull")
    assert "will train pretrain@base, nobody has measured for how long" in said
    assert f"{damaged.name} is damaged" in said
    assert "where that, or changed code before it, gives other bytes, it will also train adapt@head" in said
    assert damaged.read_bytes() == content
    assert clone.repro() == ["simulate", "base"]
    assert (clone.folder / "data/models/base/weights").read_bytes() == (
        shipped.folder / "data/models/base/weights"
    ).read_bytes()


def test_a_flipped_byte_in_a_list_of_files(clone, ship):
    for path in clone.objects().values():
        if path.name.endswith(".dir"):
            flip(path)
    assert "0 of 3 cells that learn are here" in ship(clone, "pull")
    assert sorted(clone.repro()) == sorted(["simulate", *TRAINED])


def test_no_store_at_all(clone, ship):
    """As in a sparse clone."""
    git("sparse-checkout", "set", "--no-cone", "/*", "!/shipped/", cwd=clone.folder)
    assert not clone.store.exists()
    said = ship(clone, "pull")
    assert "will train pretrain@base, train@net, adapt@head" in said
    assert clone.dirty() == ""
    assert sorted(clone.repro()) == sorted(["simulate", *TRAINED])


def test_objects_of_another_lock(shipped, clone, ship):
    shipped.seeds(base=1, net=1)
    shipped.repro()
    ship(shipped, "push")
    shutil.rmtree(clone.store)
    shutil.copytree(shipped.store, clone.store)
    said = ship(clone, "pull")
    assert "0 of 3 cells that learn are here" in said
    assert sorted(clone.repro()) == sorted(["simulate", *TRAINED])


def test_a_read_only_store(clone, ship):
    for path in [clone.store, *clone.store.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "--bind", "-o", "ro", clone.store, clone.store], capture_output=True, check=False
        ).returncode
    )  # root may write whatever a mode says
    try:
        assert "3 of 3 cells that learn are here" in ship(clone, "pull")
        if mounted or os.geteuid():
            clone.seeds(net=1)
            clone.repro()
            said = ship(clone, "push", 1)
            assert "what to do: make shipped/ writable" in said
    finally:
        if mounted:
            subprocess.run(["umount", "-l", clone.store], check=True)


def test_a_user_collected_garbage(clone, ship):
    """What `dvc gc` took from the cache comes back, also for outputs that are still in the working tree."""
    ship(clone, "pull")
    clone.repro()
    clone.seeds(net=1)
    assert clone.repro() == ["net", "score"]
    dvc("gc", "--workspace", "--force", cwd=clone.folder)
    git("checkout", "-q", ".", cwd=clone.folder)
    said = ship(clone, "pull")
    assert "3 of 3 cells that learn are here as dvc.lock has them, 1 of them fetched" in said
    assert "replaced by what dvc.lock names" in said
    assert clone.repro() == []
    shutil.rmtree(clone.folder / ".dvc/cache")
    assert "3 of them fetched" in ship(clone, "pull")
    assert not {*TRAINED} & {*clone.repro()}


@pytest.mark.parametrize("cell", CELLS)
def test_what_a_user_trained_by_hand_is_not_replaced(clone, ship, cell):
    ship(clone, "pull")
    clone.repro()
    own = clone.folder / "data/models" / cell.partition("@")[2] / "weights"
    own.unlink()
    own.write_text("my own")
    said = ship(clone, "pull", 1)
    assert "not what dvc.lock names, and nowhere else: nothing was replaced" in said
    assert f"dvc commit --force {cell}" in said
    assert own.read_text() == "my own"
    dvc("commit", "--force", cell, cwd=clone.folder)
    ship(clone, "pull")
    assert own.read_text() == "my own"


def test_a_changed_seed_trains_again_and_lock_and_store_have_to_follow(clone, ship):
    clone.seeds(net=7)
    said = ship(clone, "pull")
    assert "will train train@net" in said
    assert "train@net: changed: seeds.net" in said
    assert "dvc.lock is not of the present code and params: train@net (changed: seeds.net)" in ship(clone, "check", 1)
    assert clone.repro() == ["simulate", "net", "score"]
    said = ship(clone, "check", 1)
    assert "train@net: shipped/files/md5/" in said
    assert "no lock names it" in said
    assert "run `make ship`" in said
    ship(clone, "push")
    assert "shipped/ has all outputs of the 3 cells" in ship(clone, "check")
