"""The stage as its command line runs it."""

import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import datasets
import polars as pl
import pytest
from PIL import Image

from stages.base.paths import Run
from stages.base.schema import KEYFRAMES, MANIFEST
from stages.base.tables import write_table
from stages.base.video.decode import probe
from stages.base.video.keyframe_table import INDEX, read_shards
from tests.base.video.clips import noise, write_clip
from tests.conftest import ROOT
from tests.keyframes.test_katna import scene
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

RUN = Run("tiny")


def block(**changes):
    values = {"method": "katna", "count": 2, "seed": 0, "format": "jpeg", "quality": 95, "side": None}
    return {"keyframes": {"tiny": {**values, **changes}}, "ingest": {"tiny": {"licensed": False}}}


def write_manifest(paths):
    rows = []
    for path in paths:
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        error = probe(path).error
        rows.append({"clip_id": path.stem, "path": str(path), "md5": md5, "labels": [], "error": error})
    write_table(RUN.manifest, rows, MANIFEST)


def written():
    return {path.name: path.read_bytes() for path in sorted(RUN.keyframes.iterdir())}


@pytest.fixture
def clips(workplace):
    """Nine clips, of which one is static, one has a single frame, one is another's copy and one is broken."""
    paths = [write_clip(RUN.clips / f"moving{seed}.mov", scene(60, seed=seed)) for seed in range(5)]
    paths.append(write_clip(RUN.clips / "static.mov", noise(1).repeat(30, axis=0)))
    paths.append(write_clip(RUN.clips / "single.mov", noise(1)))
    paths.append(RUN.clips / "copy.mov")
    shutil.copy(paths[0], paths[-1])
    paths.append(RUN.clips / "broken.mov")
    paths[-1].write_bytes(b"no video")
    write_manifest(paths)
    return paths


def test_a_licensed_data_set_is_refused_where_its_images_would_be_pushed(workplace, clips):
    values = block() | {"ingest": {"tiny": {"licensed": True}}}
    said = workplace.run("keyframes", "tiny", values=values)
    assert said.startswith("error: params/datasets/tiny.yaml, key 'ingest.licensed'")
    assert "from `pushed` to `kept`" in said
    assert not RUN.keyframes.exists()
    assert workplace.run("keyframes", "tiny", "--kept", values=values) == ""


def test_outputs_bytes_and_growth(workplace, clips, monkeypatch, capfd):
    assert workplace.run("keyframes", "tiny", values=block(), compute={"workers": 2}) == ""
    assert capfd.readouterr().out == (
        "keyframes tiny: 15 keyframes of 8 clips in data/tiny/keyframes; 0 from journal; failed 1: broken\n"
    )
    first = written()
    assert sorted(first) == [INDEX, "part-0000.parquet"]
    rows = pl.read_parquet(RUN.keyframes / "*.parquet").filter(pl.col("fallback").is_not_null())
    assert rows.select("clip_id", "rank", "frame", "fallback").rows() == [
        ("single", 0, 0, "the clip has 1 frame"),
        ("static", 0, 7, "no frame is a local maximum of change"),
        ("static", 1, 22, "no frame is a local maximum of change"),
    ]
    read = dict(read_shards(RUN.keyframes).frames_of(["moving0", "copy"]))
    assert read["copy"] == read["moving0"]

    # The same bytes from another journal with one process; and nothing is computed again from the outputs alone.
    for name, known in (("other", 8), ("third", 8)):
        monkeypatch.setenv("HAR_JOURNAL", str(workplace.folder / name))
        if name == "other":
            shutil.rmtree(RUN.keyframes)
        assert workplace.run("keyframes", "tiny", values=block(), compute={"workers": 1}) == ""
        assert written() == first
        assert f"{0 if name == 'other' else known} from journal" in capfd.readouterr().out

    # A new clip costs one clip.
    write_manifest([*clips, write_clip(RUN.clips / "new.mov", scene(60, seed=9))])
    assert workplace.run("keyframes", "tiny", values=block()) == ""
    assert "17 keyframes of 9 clips in data/tiny/keyframes; 8 from journal" in capfd.readouterr().out


def test_datasets_loads_the_shards_as_pictures(workplace, clips, tmp_path):
    assert workplace.run("keyframes", "tiny", values=block()) == ""
    loaded = datasets.load_dataset(
        "parquet", data_files=str(RUN.keyframes / "*.parquet"), split="train", cache_dir=str(tmp_path / "cache")
    )
    assert len(loaded) == 15
    assert loaded.column_names == KEYFRAMES.names
    assert isinstance(loaded[0]["image"], Image.Image)
    assert loaded[0]["image"].size == (64, 48)


@pytest.mark.parametrize("changes", [{"count": 0}, {"method": "best"}, {"quality": 0}, {"side": 3}, {"sise": 3}])
def test_a_bad_param_is_named(workplace, changes):
    assert f"key 'keyframes.tiny.{next(iter(changes))}'" in workplace.run("keyframes", "tiny", values=block(**changes))


def test_a_manifest_without_a_usable_clip(workplace, clips):
    write_manifest(clips[-1:])
    said = workplace.run("keyframes", "tiny", values=block())
    assert said.startswith("error: data/tiny/manifest.parquet: none of its 1 clips is usable")


def test_clips_of_which_only_the_names_are_known_have_no_keyframes(workplace, capfd):
    """A replay of published texts needs no videos; nothing of it has failed, and what comes after reads no keyframe."""
    write_table(RUN.manifest, [{"clip_id": "a", "labels": []}, {"clip_id": "b", "labels": []}], MANIFEST)
    assert workplace.run("keyframes", "tiny", "--kept", values=block()) == ""
    assert capfd.readouterr().out == ("keyframes tiny: 0 keyframes of 0 clips in data/tiny/keyframes; 0 from journal\n")
    assert dict(read_shards(RUN.keyframes).frames_of([])) == {}


def test_a_clip_that_changed_since_ingest_stops_the_stage_after_the_others(workplace, clips, capfd):
    clips[1].write_bytes(b"cut")
    said = workplace.run("keyframes", "tiny", values=block())
    assert "1 clips that the manifest calls usable fail now:\n  data/tiny/clips/moving1.mov: not a video" in said
    assert not (RUN.keyframes / INDEX).exists()
    write_clip(clips[1], scene(60, seed=1))
    write_manifest(clips)
    assert workplace.run("keyframes", "tiny", values=block()) == ""
    assert "7 from journal" in capfd.readouterr().out


@pytest.mark.slow
def test_every_odd_video_has_keyframes_or_its_error(workplace, remote_file, capfd):
    paths = sorted(remote_file("data/odd_videos").iterdir())
    write_manifest(paths)
    assert workplace.run("keyframes", "tiny", values=block(side=64)) == ""
    assert "failed 4: corrupted, empty, header_only, text" in capfd.readouterr().out
    read = dict(read_shards(RUN.keyframes).frames_of(path.stem for path in paths if not probe(path).error))
    assert {name for name, frames in read.items() if len(frames) != 2} == {"testsrc2_mpeg4"}
    upright = {name: read[name][0].picture().size for name in ("video_0", "video_90", "video_270")}
    assert upright == {"video_0": (64, 36), "video_90": (36, 64), "video_270": (36, 64)}


def start(folder, **more):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "stages.keyframes", "tiny"]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


@pytest.mark.slow
def test_killed_and_started_again_it_goes_on(workplace, clips, monkeypatch, capfd):
    assert workplace.run("keyframes", "tiny", values=block()) == ""
    undisturbed = written()
    shutil.rmtree(RUN.keyframes)
    capfd.readouterr()
    journal = workplace.folder / "journal"
    monkeypatch.setenv("HAR_JOURNAL", str(journal))
    killed = start(workplace.folder, process_group=0)
    while not any(path.read_bytes().count(b"\n") > 1 for path in journal.rglob("*.jsonl")):  # a clip's frames, whole
        assert killed.poll() is None, killed.stderr.read()
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not (RUN.keyframes / INDEX).exists()
    assert workplace.run("keyframes", "tiny", values=block()) == ""
    known = int(capfd.readouterr().out.split("; ")[1].split()[0])
    assert known >= 1
    assert written() == undisturbed
    assert ended(killed.pid)


def ended(group):
    """Tell whether a process group's last process ends within seconds."""
    for _ in range(300):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_a_disk_that_is_full_in_the_middle_of_a_shard(workplace, clips, monkeypatch):
    monkeypatch.setenv("HAR_JOURNAL", str(workplace.folder / "journal"))
    assert workplace.run("keyframes", "tiny", values=block(format="png")) == ""
    undisturbed = written()
    shutil.rmtree(RUN.keyframes)
    # The largest file that is allowed stands for the disk: DVC's own database fits, the shard does not.
    allowed = len(undisturbed["part-0000.parquet"]) - 5000
    full = start(workplace.folder, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (allowed, allowed)))
    said = full.communicate()[1]
    assert full.returncode == 1
    assert said.startswith("error: the disk is full (data/tiny/keyframes/part-0000.parquet)")
    assert "Traceback" not in said
    assert list(RUN.keyframes.iterdir()) == []
    assert workplace.run("keyframes", "tiny", values=block(format="png")) == ""
    assert written() == undisturbed
    assert json.loads(undisturbed[INDEX]) == {"clips": 8, "keyframes": 15, "shards": {"part-0000.parquet": 15}}
