"""SIGKILL in the long stages: nothing looks finished that is not, and the next run ends in an undisturbed run's bytes.

Those of caption, infer and keyframes are with their rooms' tests.
"""

import shutil

import pytest

from tests.conftest import dvc
from tests.ingest.clips import write_clip
from tests.pipeline.drill import CELL, LAST, OUT, by_hand, embedded, finished, forget, kill_when, records, same, started
from tests.pipeline.project import journal
from tests.pretrain.test_pretrain import PARAMS as PRETRAIN
from tests.pretrain.test_pretrain import TABLE
from tests.simulate.small import scene

pytestmark = pytest.mark.slow


def test_a_killed_measure_goes_on_where_it_stopped(copy, replayed):
    forget(copy)
    kill_when(started(copy, "repro", "-s", CELL), lambda: records(copy / ".journal/embed") >= 20)
    spared = records(copy / ".journal/embed")
    assert not (copy / LAST).exists()
    output = dvc("repro", "-s", CELL, cwd=copy, env=journal(copy))
    assert embedded(output) == records(copy / ".journal/embed") - spared > 0
    assert same(copy, replayed, OUT)
    assert (copy / "papers/smarthome_vlm/dvc.lock").read_bytes() == (
        replayed / "papers/smarthome_vlm/dvc.lock"
    ).read_bytes()


def test_a_killed_ingest_decodes_only_the_rest(tmp_path):
    protocols = {"cs": {"validation": False}}
    block = {
        "adapter": "smarthome",
        "licensed": False,
        "published": {},
        "official": {},
        "protocols": protocols,
        "accept_leaks": [],
    }
    by_hand(tmp_path, {"ingest": {"tiny": block}})
    long = write_clip(tmp_path / "long.mp4", frames=600).read_bytes()
    for number in range(60):
        clip = tmp_path / "clips" / f"Walk_p{2 + number % 2:02}_r{number:02}_v01_c01.mp4"
        clip.parent.mkdir(exist_ok=True)
        clip.write_bytes(long + bytes([number]))
    kill_when(
        started(tmp_path, "tiny", "clips", command="stages.ingest"), lambda: records(tmp_path / ".journal/probe") >= 5
    )
    spared = records(tmp_path / ".journal/probe")
    assert not (tmp_path / "data/tiny/manifest.parquet").exists()
    output = finished(started(tmp_path, "tiny", "clips", command="stages.ingest"))
    assert f"; {spared} from journal" in output
    files = [tmp_path / "data/tiny" / name for name in ("manifest.parquet", "splits.parquet")]
    resumed = [path.read_bytes() for path in files]
    shutil.rmtree(tmp_path / "data")
    shutil.rmtree(tmp_path / ".journal")
    assert "; 0 from journal" in finished(started(tmp_path, "tiny", "clips", command="stages.ingest"))
    assert [path.read_bytes() for path in files] == resumed


def test_a_killed_simulation_leaves_nothing_that_looks_finished(tmp_path):
    small = {**scene(clips=12).model_dump(mode="json"), "activities": ["Enter", "Leave"]}
    by_hand(tmp_path, {"simulate": {"tiny": small}})
    data = tmp_path / "data/tiny"
    kill_when(
        started(tmp_path, "tiny", command="stages.simulate"), lambda: len(list(data.glob("clips.part/*.mp4"))) >= 2
    )
    assert not (data / "clips").exists()
    assert not (data / "truth.parquet").exists()

    def made():
        finished(started(tmp_path, "tiny", command="stages.simulate"))
        return {path.relative_to(data): path.read_bytes() for path in data.rglob("*") if path.is_file()}

    resumed = made()
    assert len(resumed) == 13
    shutil.rmtree(data)
    assert made() == resumed


def test_a_killed_pretraining_goes_on_to_the_same_bytes(tmp_path):
    rendered = scene(clips=8, activities=["Drink_Fromcup", "Walk"], style="pretrain", rooms=2).model_dump(mode="json")
    block = PRETRAIN.model_dump(mode="json")
    scenes = {block.pop("scene"): rendered, block.pop("tables"): TABLE.model_dump(mode="json")}
    cell = ("tiny", "small", *scenes)
    block["vision"]["steps"] = block["language"]["steps"] = 60
    by_hand(tmp_path, {"simulate": scenes, "recipes": {"small": block}})
    (tmp_path / "compute.yaml").write_text("checkpoint_seconds: 0\n")
    for name in scenes:
        finished(started(tmp_path, name, command="stages.simulate"))
    models = tmp_path / "data/models"

    def kept():
        return [path.stat().st_mtime_ns for path in tmp_path.glob(".journal/pretrain/*/state.pt")]

    def made():
        output = finished(started(tmp_path, *cell, command="stages.pretrain"))
        return output, {path.name: path.read_bytes() for path in (models / "tiny").iterdir()}

    for _ in range(2):  # killed, and killed again after it has gone on
        before = kept()
        kill_when(started(tmp_path, *cell, command="stages.pretrain"), lambda before=before: kept() not in ([], before))
        assert not models.exists()
    output, resumed = made()
    assert "; 0 from journal" not in output
    assert "model.safetensors" in resumed
    shutil.rmtree(models)
    output, undisturbed = made()
    assert "; 0 from journal" in output
    assert resumed == undisturbed
