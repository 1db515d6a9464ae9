"""`make ship`, and what says that it has to be run again."""

import json
import shutil

import pytest

from stages.ship.processor import kind
from stages.ship.record import Shipped, duration, read_record
from tests.conftest import dvc
from tests.pipeline.project import commit, edit_yaml, git
from tests.ship.project import CELLS
from tests.ship.test_pull import flip


def test_it_ships_what_the_cells_made_and_prints_the_size(unshipped, ship):
    assert "is missing" in ship(unshipped, "check", 1)
    said = ship(unshipped, "push")
    objects = unshipped.objects()
    size = sum(path.stat().st_size for path in objects.values())
    assert f"3 cells that learn, {len(objects)} objects, {size / 1e6:.1f} MB in shipped/" in said
    assert len(objects) == 3 * 4  # a folder's list, its two files, the predictions
    assert "shipped/ has all outputs of the 3 cells that learn, and nothing else" in ship(unshipped, "check")
    before = {path: path.read_bytes() for path in unshipped.store.rglob("*") if path.is_file()}
    ship(unshipped, "push")
    assert {path: path.read_bytes() for path in unshipped.store.rglob("*") if path.is_file()} == before


def test_dvc_itself_can_pull_from_it(clone):
    dvc("pull", "-q", "-r", "shipped", *CELLS, cwd=clone.folder)
    assert (clone.folder / "data/models/base/weights").exists()


@pytest.mark.parametrize("what", ["seed", "code", "scene"])
def test_it_refuses_a_lock_that_does_not_fit(shipped, ship, what):
    if what == "seed":
        shipped.seeds(head=5)
    else:
        with (shipped.folder / {"code": "learn.py", "scene": "scene.txt"}[what]).open("a") as file:
            file.write("\n# changed")
    named = {
        "seed": "adapt@head (changed: seeds.head)",
        "code": "train@net (changed: learn.py)",
        "scene": "simulate (changed: scene.txt)",
    }[what]
    for command in ("push", "check"):
        said = ship(shipped, command, 1)
        assert named in said
        assert "`dvc repro`, then `make ship`" in said


def test_it_refuses_to_ship_other_weights_than_those_in_the_working_tree(shipped, ship):
    own = shipped.folder / "data/predictions_net.txt"
    own.unlink()
    own.write_text("my own")
    assert "train@net (changed: data/predictions_net.txt)" in ship(shipped, "push", 1)
    assert own.read_text() == "my own"


def test_it_refuses_weights_that_are_nowhere(unshipped, ship):
    unshipped.forget()
    said = ship(unshipped, "push", 1)
    assert "nowhere to be had: pretrain@base" in said
    assert unshipped.objects() == {}


@pytest.mark.parametrize("licensed", [True, False])
def test_it_refuses_what_was_learnt_from_a_licensed_data_set(unshipped, ship, licensed):
    block = unshipped.folder / "params/datasets/mine.yaml"
    block.parent.mkdir(parents=True)
    block.write_text(f"ingest: {{licensed: {str(licensed).lower()}}}\n")
    record = {"mine": {"clips": "data/clips"}}
    edit_yaml(unshipped.folder / "params.yaml", lambda params: params.update(kept=record))
    said = ship(unshipped, "push", int(licensed))
    assert ("learnt from a licensed data set, and shipped/ is in git: pretrain@base, " in said) == licensed
    assert (unshipped.objects() == {}) == licensed


def test_a_clone_without_weights_of_its_own_may_ship(clone, ship):
    """What the store has needs no copy here."""
    ship(clone, "push")
    assert clone.dirty() == ""


def test_it_mends_what_is_damaged_and_drops_what_no_lock_names(shipped, ship):
    first, *_, last = [path for _, path in sorted(shipped.objects().items())]
    flip(first)
    last.unlink()
    stray = shipped.store / "files/md5/00/00000000000000000000000000000000"
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("of another branch")
    said = ship(shipped, "check", 1)
    assert f"{first.name} is damaged" in said
    assert f"{last.name} is missing" in said
    assert "00/00000000000000000000000000000000: no lock names it" in said
    assert "1 that no lock names were dropped" in ship(shipped, "push")
    ship(shipped, "check")
    assert shipped.dirty() == ""


def test_two_branches_that_shipped_other_weights_merged(shipped, ship):
    for branch, seed in (("one", 1), ("other", 2)):
        git("checkout", "-q", "-B", branch, "main", cwd=shipped.folder)
        ship(shipped, "pull")
        shipped.seeds(net=seed)
        shipped.repro()
        ship(shipped, "push")
        commit(shipped.folder)
    git("merge", "-q", "-X", "ours", "-m", "merge", "one", cwd=shipped.folder)
    assert "no lock names it" in ship(shipped, "check", 1)
    assert "3 of 3 cells that learn are here" in ship(shipped, "pull")
    assert shipped.repro() == []
    ship(shipped, "push")
    ship(shipped, "check")
    assert len(shipped.objects()) == 3 * 4
    assert shipped.object("data/models/net/weights")


def test_the_record_says_where_weights_were_trained(shipped, ship):
    """Not where `make ship` was run last."""
    path = shipped.store / "record.json"
    record = json.loads(path.read_text())
    assert {cell["processor"] for cell in record["cells"].values()} == {kind()}
    for cell in record["cells"].values():
        cell.update(processor="another kind", seconds=60)
    path.write_text(json.dumps(record))
    shipped.seeds(net=1)
    shipped.repro()
    assert ship(shipped, "moved").split() == ["train@net"]
    ship(shipped, "push")
    assert ship(shipped, "moved").split() == []
    after = read_record(shipped.store)
    assert {name: one.processor for name, one in after.items()} == {
        "pretrain@base": "another kind",
        "train@net": kind(),
        "adapt@head": "another kind",
    }
    assert duration(after, CELLS) == "about 3 min"


def test_a_record_that_cannot_be_read_is_no_error(clone, ship):
    path = clone.store / "record.json"
    path.write_text("<<<<<<< HEAD\n" + path.read_text())
    said = ship(clone, "pull")
    assert "shipped/record.json: not to be read" in said
    assert "3 of 3 cells that learn are here" in said
    ship(clone, "push")
    assert set(read_record(clone.store)) == set(CELLS)


def test_times_that_nobody_measured():
    def one(seconds):
        return Shipped(entry="", outs="", processor=None, seconds=seconds)

    assert duration({}, ["a"]) == "nobody has measured for how long"
    assert duration({"a": one(40), "b": one(None)}, ["a", "b"]) == "about 40 s, and 1 of them nobody has measured"


def test_retraining_asks_nothing_that_knows_the_answer(shipped, ship):
    (shipped.folder / "ran").unlink()
    said = ship(shipped, "retrain")
    assert "3 cells trained from nothing" in said
    assert sorted((shipped.folder / "ran").read_text().split()) == ["base", "head", "net"]
    assert shipped.dirty() == ""
    assert shipped.repro() == []
    shutil.rmtree(shipped.folder / "data")
    shutil.rmtree(shipped.folder / ".dvc/cache")
    (shipped.folder / "ran").unlink(missing_ok=True)
    ship(shipped, "retrain")
    assert sorted((shipped.folder / "ran").read_text().split()) == ["base", "head", "net", "simulate"]
    ship(shipped, "push")
    assert all(one.seconds is not None for one in read_record(shipped.store).values())


def test_retraining_loses_nothing_of_the_users(shipped, ship):
    own = shipped.folder / "data/predictions_net.txt"
    own.unlink()
    own.write_text("my own")
    assert "data/predictions_net.txt: not what dvc.lock names" in ship(shipped, "retrain", 1)
    assert own.read_text() == "my own"


def test_the_kind_of_a_processor(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(
        "processor\t: 0\nvendor_id\t: GenuineIntel\nflags\t\t: fpu sse sse2 ssse3 avx avx2 avx512f fma\n"
        "\nprocessor\t: 1\nvendor_id\t: GenuineIntel\nflags\t\t: fpu\n"
    )
    assert kind(cpuinfo) == "GenuineIntel: avx avx2 avx512f fma sse sse2 ssse3"
    assert kind(tmp_path / "none") is None
