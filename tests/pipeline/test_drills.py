"""Drills: what goes wrong on a real machine ends with a clear message, and afterwards in an undisturbed run's bytes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from stages.core.journal import Journal
from tests.conftest import ROOT
from tests.ingest.clips import write_clip
from tests.pipeline.project import REPLAY, commit, dvc, edit_yaml, ran, replay_project
from tests.pipeline.test_replay import PARAMS, RUN, digests
from tests.simulate.small import scene

pytestmark = pytest.mark.slow

CELL = f"{REPLAY}:measure@deepseek_vl2"
OTHER = f"{REPLAY}:measure@llama3_2_vision"
OUT = f"{RUN}/measures/deepseek_vl2"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, remote_file):
    """The replay of four clips a class: fewer leave a published list without a clip."""
    project = replay_project(tmp_path_factory.mktemp("drills") / "project", remote_file, a_class=4)
    dvc("repro", REPLAY, cwd=project, env=journal(project))
    commit(project)
    return project


@pytest.fixture
def copy(undisturbed, tmp_path):
    return Path(shutil.copytree(undisturbed, tmp_path / "project", symlinks=True))


def journal(project: Path) -> dict[str, str]:
    return {"HAR_JOURNAL": str(project / ".journal")}


def forget(project: Path) -> None:
    """Lose all measures, and whatever could spare their computation."""
    for name in (".journal", ".dvc/cache", f"{RUN}/measures"):
        shutil.rmtree(project / name)
    # One text after another, so that there is a middle to stop in.
    (project / "compute.yaml").write_text("batch: 1\nworkers: 1\nthreads: 1\n")


def started(project: Path, *arguments: str, command: str = "dvc") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", command, *arguments],
        cwd=project,
        env={**os.environ, **journal(project)},
        text=True,
        process_group=0,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def records(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))


def kill_when(process: subprocess.Popen[str], ready) -> None:
    """Kill a command and all that it started, as a power cut does, once it is in the middle of its work."""
    while not ready():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def same(project: Path, undisturbed: Path, only: str = "") -> bool:
    now, then = digests(project), digests(undisturbed)
    return {name: md5 for name, md5 in then.items() if name.startswith(only)} == {
        name: md5 for name, md5 in now.items() if name.startswith(only)
    }


def test_a_killed_measure_goes_on_where_it_stopped(copy, undisturbed):
    forget(copy)
    kill_when(started(copy, "repro", "-s", CELL), lambda: records(copy / ".journal/embed") >= 20)
    spared = records(copy / ".journal/embed")
    assert not (copy / OUT / "measures.parquet").exists()
    output = dvc("repro", "-s", CELL, cwd=copy, env=journal(copy))
    computed, _, total = output.split("values null; ")[1].split(" texts embedded")[0].partition(" of ")
    assert int(computed) == int(total) - spared
    assert same(copy, undisturbed, OUT)
    assert (copy / "papers/smarthome_vlm/dvc.lock").read_bytes() == (
        undisturbed / "papers/smarthome_vlm/dvc.lock"
    ).read_bytes()


def by_hand(folder: Path, block: dict[str, object]) -> None:
    """Make a folder in which a stage runs by hand, in one process."""
    dvc("init", "-q", "--no-scm", cwd=folder)
    (folder / "params.yaml").write_text(yaml.safe_dump(block))
    (folder / "compute.yaml").write_text("workers: 1\n")
    (folder / "stages").symlink_to(ROOT / "stages")


def finished(process: subprocess.Popen[str]) -> str:
    output = process.communicate()[0]
    assert process.returncode == 0, output
    return output


def test_a_killed_ingest_decodes_only_the_rest(tmp_path):
    protocols = {"cs": {"validation": False}}
    block = {"adapter": "smarthome", "source": "clips", "licensed": False, "published": {}, "official": {},
             "protocols": protocols, "accept_leaks": []}  # fmt: skip
    by_hand(tmp_path, {"ingest": {"tiny": block}})
    long = write_clip(tmp_path / "long.mp4", frames=600).read_bytes()
    for number in range(60):
        clip = tmp_path / "clips" / f"Walk_p{2 + number % 2:02}_r{number:02}_v01_c01.mp4"
        clip.parent.mkdir(exist_ok=True)
        clip.write_bytes(long + bytes([number]))
    kill_when(started(tmp_path, "tiny", command="stages.ingest"), lambda: records(tmp_path / ".journal/probe") >= 5)
    spared = records(tmp_path / ".journal/probe")
    assert not (tmp_path / "data/tiny/manifest.parquet").exists()
    output = finished(started(tmp_path, "tiny", command="stages.ingest"))
    assert f"; {spared} from journal" in output
    files = [tmp_path / "data/tiny" / name for name in ("manifest.parquet", "splits.parquet")]
    resumed = [path.read_bytes() for path in files]
    shutil.rmtree(tmp_path / "data")
    shutil.rmtree(tmp_path / ".journal")
    assert "; 0 from journal" in finished(started(tmp_path, "tiny", command="stages.ingest"))
    assert [path.read_bytes() for path in files] == resumed


def test_a_killed_simulation_leaves_nothing_that_looks_finished(tmp_path):
    small = {**scene(clips=12).model_dump(mode="json"), "activities": ["Enter", "Leave"]}
    by_hand(tmp_path, {"simulate": {"tiny": small}})
    data = tmp_path / "data/tiny"
    kill_when(started(tmp_path, "tiny", command="stages.simulate"),
              lambda: len(list(data.glob("clips.part/*.mp4"))) >= 2)  # fmt: skip
    assert not (data / "clips").exists()
    assert not (data / "truth.parquet").exists()

    def made():
        finished(started(tmp_path, "tiny", command="stages.simulate"))
        return {path.relative_to(data): path.read_bytes() for path in data.rglob("*") if path.is_file()}

    resumed = made()
    assert len(resumed) == 14
    shutil.rmtree(data)
    assert made() == resumed


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


def test_a_disk_that_fills_in_the_middle_of_a_stage(undisturbed, small_disk):
    project = Path(shutil.copytree(undisturbed, small_disk / "project", symlinks=True))
    forget(project)
    ballast = fill(small_disk, left=200_000)
    output = dvc("repro", "-s", CELL, cwd=project, env=journal(project), check=False)
    assert "error: the disk is full" in output
    assert "free some space and run the same command again" in output
    assert "Traceback" not in output
    assert not (project / OUT / "measures.parquet").exists()
    ballast.unlink()
    spared = records(project / ".journal/embed")
    assert spared > 10
    output = dvc("repro", "-s", CELL, cwd=project, env=journal(project))
    assert f"{spared} from journal" in output
    assert same(project, undisturbed, OUT)


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
def test_a_damaged_file_in_the_cache_is_found_and_made_again(copy, undisturbed, truncate):
    # DVC hands it out without a word, so it is a stage that reads it, or `verify`, that tells.
    name = f"{RUN}/scores/deepseek_vl2.parquet"
    damage(cached(copy, name), truncate)
    (copy / name).unlink()
    dvc("checkout", f"{REPLAY}:score@deepseek_vl2", cwd=copy)
    assert not same(copy, undisturbed)
    output = dvc("repro", "-s", "-f", f"{REPLAY}:compare", cwd=copy, env=journal(copy), check=False)
    assert f"error: {name}: not a Parquet file, or a damaged one" in output
    assert "stages.core.verify" in output
    told = started(copy, command="stages.core.verify").communicate()[0]
    assert "1 files of DVC's cache were damaged" in told
    assert f"  {name}\n" in told
    output = dvc("repro", REPLAY, cwd=copy, env=journal(copy))
    assert ran(output)[0] == "score@deepseek_vl2"
    assert same(copy, undisturbed)
    assert "are what their names say" in finished(started(copy, command="stages.core.verify"))


#: What DVC says to a command that comes while another one works.
BUSY = ("is busy, it is being blocked by", "Unable to acquire lock")


def test_two_at_once_in_one_project(copy, undisturbed):
    forget(copy)
    one = started(copy, "repro", "-s", CELL)
    while not (copy / ".journal/embed").exists():
        assert one.poll() is None, one.communicate()[0]
        time.sleep(0.01)
    # The same cell is refused while it runs (where it was quicker, nothing is left to do); another cell may run.
    for process in [started(copy, "repro", "-s", CELL), started(copy, "repro", "-s", OTHER), one]:
        said = process.communicate()[0]
        assert process.returncode == 0 or any(text in said for text in BUSY), said
        assert "Traceback" not in said
    for cell in (CELL, OTHER):
        dvc("repro", "-s", cell, cwd=copy, env=journal(copy))
    assert same(copy, undisturbed, OUT)
    assert same(copy, undisturbed, OUT.replace("deepseek_vl2", "llama3_2_vision"))


def test_a_journal_of_an_older_version_changes_nothing(copy, undisturbed, monkeypatch):
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
    assert "230 of 230 texts embedded; 0 from journal" in output
    assert same(copy, undisturbed, OUT)


def test_a_removed_model_does_not_reach_the_page(copy):
    name = "internvl2_5_videocaps"

    def remove(params):
        compare, nulls, report = (params[block]["smarthome_vlm"] for block in ("compare", "nulls", "report"))
        for listed in (params["models"], params["vlm"], report["names"]):
            del listed[name]
        for listed in (params["methods"], compare["methods"], nulls["models"]):
            listed.remove(name)

    edit_yaml(copy / PARAMS, remove)
    graph, page = copy / REPLAY, copy / RUN / "report/index.html"
    graph.write_text("".join(line for line in graph.read_text().splitlines(keepends=True) if name not in line))
    assert name in page.read_text()
    output = dvc("repro", REPLAY, cwd=copy, env=journal(copy))
    # Its files are still there; nothing that is shown comes from them.
    assert f"ignored, not listed: {name}" in output
    assert (copy / RUN / f"scores/{name}.parquet").exists()
    shown = [page, *(copy / "metrics/smarthome_vlm").glob("*.csv"), *(copy / RUN).glob("*.csv")]
    assert [path.name for path in shown if name in path.read_text()] == []
