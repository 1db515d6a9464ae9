"""Drills: what goes wrong on a real machine ends with a clear message, and afterwards in an undisturbed run's bytes."""

import shutil
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stages.base.journal.store import Journal
from tests.conftest import dvc
from tests.pipeline.drill import CELL, LAST, OTHER, OUT, embedded, finished, forget, records, same, started
from tests.pipeline.project import BLOCKS, PARAMS, REPLAY, RUN, digests, edit_yaml, journal, ran

pytestmark = pytest.mark.slow


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own, which a test may fill."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"mounts no disk here: {mounted.stderr.decode().strip()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def fill(disk: Path, left: int) -> Path:
    ballast = disk / "ballast"
    free = shutil.disk_usage(disk).free - left
    ballast.write_bytes(b"\0" * free)
    return ballast


def test_a_disk_that_fills_in_the_middle_of_a_stage(replayed, small_disk):
    project = Path(shutil.copytree(replayed, small_disk / "project", symlinks=True))
    forget(project)
    ballast = fill(small_disk, left=200_000)
    output = dvc("repro", "-s", CELL, cwd=project, env=journal(project), check=False)
    assert "error: the disk is full" in output
    assert "free some space, and run the same command again" in output
    assert "Traceback" not in output
    assert not (project / LAST).exists()
    ballast.unlink()
    spared = records(project / ".journal/embed")
    assert spared > 10
    output = dvc("repro", "-s", CELL, cwd=project, env=journal(project))
    assert embedded(output) == records(project / ".journal/embed") - spared
    assert same(project, replayed, OUT)


def cached(project: Path, name: str) -> Path:
    """Return the file of DVC's cache that holds an output."""
    md5 = digests(project)[name]
    return project / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


def damage(file: Path, truncate: bool) -> None:
    """Change a file as a failing disk does: it is as read-only as before."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.chmod(0o644)
    file.write_bytes(content[: len(content) // 2] if truncate else content)
    file.chmod(0o444)


@pytest.mark.parametrize("truncate", [False, True], ids=["a flipped byte", "cut short"])
def test_a_damaged_file_in_the_cache_is_found_and_made_again(copy, replayed, truncate):
    # DVC hands it out without a word, so it is a stage that reads it, or `verify`, that tells.
    name = f"{RUN}/verdicts/deepseek_vl2.parquet"
    damage(cached(copy, name), truncate)
    (copy / name).unlink()
    dvc("checkout", f"{REPLAY}:score@smarthome_vlm", cwd=copy)
    assert not same(copy, replayed)
    output = dvc("repro", "-s", "-f", f"{REPLAY}:report@smarthome_vlm", cwd=copy, env=journal(copy), check=False)
    assert f"error: {name}: not a Parquet file, or a damaged one" in output
    assert "stages.cache.verify" in output
    told = started(copy, command="stages.cache.verify").communicate()[0]
    assert "1 files of DVC's cache were damaged" in told
    assert f"  {name}\n" in told
    output = dvc("repro", REPLAY, cwd=copy, env=journal(copy))
    assert ran(output)[0] == "score@smarthome_vlm"
    assert same(copy, replayed)
    assert "are what their names say" in finished(started(copy, command="stages.cache.verify"))


#: What DVC says to a command that comes while another one works.
BUSY = ("is busy, it is being blocked by", "Unable to acquire lock")


def test_two_at_once_in_one_project(copy, replayed):
    forget(copy)
    one = started(copy, "repro", "-s", CELL)
    while not (copy / ".journal/embed").exists():
        assert one.poll() is None, one.communicate()[0]
        time.sleep(0.01)
    # The same cell is refused while it runs (where it was quicker, nothing is left to do), and one that writes what it
    # reads.
    for process in [started(copy, "repro", "-s", CELL), started(copy, "repro", "-s", "-f", OTHER), one]:
        said = process.communicate()[0]
        assert process.returncode == 0 or any(text in said for text in BUSY), said
        assert "Traceback" not in said
    for cell in (CELL, OTHER):
        dvc("repro", "-s", cell, cwd=copy, env=journal(copy))
    assert same(copy, replayed)


def test_a_journal_of_an_older_version_changes_nothing(copy, replayed, monkeypatch):
    monkeypatch.setenv("HAR_JOURNAL", str(copy / "old"))
    shutil.move(copy / ".journal", copy / "old")
    with Journal("embed") as right, Journal("bertscore") as pairs:
        keys = {"embed": right.keys(), "bertscore": pairs.keys()}
        values = [right.get(key) for key in sorted(right.keys())]
    older = copy / "older"
    monkeypatch.setenv("HAR_JOURNAL", str(older))
    for room, known in keys.items():
        with Journal(room) as old:
            for key in sorted(known):
                old.put(key, {"float16": "AAAA"})  # this version's key, without this version's field
            for key, value in zip(sorted(known), values, strict=False):
                old.put(key[::-1], value)  # another version's key
        (older / room / "0.jsonl").write_bytes(b"\x00\xffPAR1\n" * 100)
    for name in (".dvc/cache", f"{RUN}/measures"):
        shutil.rmtree(copy / name)
    output = dvc("repro", "-s", CELL, cwd=copy, env={"HAR_JOURNAL": str(older)})
    tables = [pq.read_table(path)["journal_key"] for path in (replayed / OUT).glob("*/embeddings.parquet")]
    assert embedded(output) == len({key for table in tables for key in table.to_pylist()}) > 200
    assert same(copy, replayed, OUT)


def test_a_removed_model_does_not_reach_the_page(copy):
    name = "internvl2_5_videocaps"

    def remove(params):
        key = f"smarthome_vlm_{name}"
        for listed in (params["asked"], params["methods"]):
            del listed[key]
        del params["fetched"][f"published_{name}"]

    edit_yaml(copy / PARAMS, remove)
    edit_yaml(copy / BLOCKS, lambda blocks: blocks["nulls"]["models"].remove(name))
    page = copy / RUN / "report/index.html"
    assert name in page.read_text()
    dvc("repro", REPLAY, cwd=copy, env=journal(copy))
    # Its answers are still there; nothing that is shown comes from them.
    assert (copy / RUN / f"predictions/{name}.parquet").exists()
    shown = [page, *(copy / "metrics/smarthome_vlm").glob("*.csv"), *(copy / RUN).glob("*.csv")]
    assert [path.name for path in shown if name in path.read_text()] == []
    assert not list((copy / "metrics").rglob(f"{name}.json"))


def test_a_method_without_a_title_is_asked_and_not_shown(copy):
    """A model to ask, and no method by itself."""
    name = "internvl2_5_videocaps"

    def untitle(params):
        for listed in (params["asked"], params["methods"]):
            listed[f"smarthome_vlm_{name}"]["title"] = None

    edit_yaml(copy / PARAMS, untitle)
    page = copy / RUN / "report/index.html"
    output = dvc("repro", REPLAY, cwd=copy, env=journal(copy))
    assert {stage.partition("@")[0] for stage in ran(output)} == {"keywords", "measure", "score", "report"}
    assert (copy / RUN / f"predictions/{name}.parquet").exists()
    summary = (copy / "metrics/smarthome_vlm/summary.csv").read_text()
    assert name not in summary
    assert "internvl2_5," in summary
    assert not list((copy / "metrics").rglob(f"{name}.json"))
    assert f'"{name}"' not in page.read_text()
