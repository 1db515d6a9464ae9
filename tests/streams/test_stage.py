"""The stage as its command line runs it, on drawn clips: tables, errors, and a kill in the middle."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.base.paths import Run
from stages.base.schema import MANIFEST, STREAMED, STREAMS
from stages.base.tables import read_table, write_table
from stages.base.video.masks import run_lengths
from stages.base.video.streams import Streams, masks_of
from tests.pipeline.drill import by_hand, finished, kill_when, records, started
from tests.stage import Workplace, workplace  # noqa: F401
from tests.streams.drawn import clip, drawn, stands, walks

VALUES = {"vlm": {"opencv": {"backend": "opencv", "side": 200}, "truth": {"backend": "truth"}}}
MEETING = [walks(30, 2), walks(170, -2)]


def prepare(folder: Path, clips: int = 3, frames: int = 12) -> None:
    """Write clips of two people who meet, with a manifest in which one more is broken and one is a name."""
    rows = []
    for number in range(clips):
        images, _ = drawn([walks(30 + number, 2), walks(170, -2)], frames)
        made = clip(folder / "clips", images, f"clip{number}")
        path = str(Path(made.path).relative_to(folder))
        rows.append({**made._asdict(), "path": path, "md5": f"{number}", "labels": ["Hug"]})
    rows.append({"clip_id": "broken", "path": "clips/broken.mp4", "labels": [], "error": "the file is empty"})
    rows.append({"clip_id": "name", "labels": []})
    write_table(folder / Run("tiny").manifest, rows, MANIFEST)


def test_tables_of_a_run(workplace: Workplace) -> None:  # noqa: F811
    prepare(workplace.folder)
    assert workplace.run("streams", "tiny", "found", "opencv", "data/none", values=VALUES) == ""
    folder = Run("tiny").streams("found")
    clips = {row["clip_id"]: row for row in read_table(folder / "clips.parquet", STREAMED).iter_rows(named=True)}
    assert [clips[f"clip{number}"]["people"] for number in range(3)] == [2, 2, 2]
    assert clips["clip0"]["why"].startswith("the only two seen together: ")
    assert (clips["broken"]["people"], clips["broken"]["error"]) == (None, "the file is empty")
    assert clips["name"]["error"] == "it is a name without a video"
    rows = read_table(folder / "tracks.parquet", STREAMS)
    assert rows["clip_id"].unique().sort().to_list() == ["clip0", "clip1", "clip2"]
    _, truth = drawn(MEETING, 12)
    streams = Streams(folder)
    for track in (1, 2):
        seen = masks_of(streams.rows("clip0"), track, range(12), 120, 200)
        assert (seen & truth[track - 1]).sum() > 0.7 * (seen | truth[track - 1]).sum(), "person 1 is on the left"


def test_a_clip_that_breaks_later_is_a_row_and_the_next_run_looks_again(workplace: Workplace, capsys) -> None:  # noqa: F811
    prepare(workplace.folder)
    (workplace.folder / "clips/clip1.mov").write_bytes(b"no video")
    assert workplace.run("streams", "tiny", "found", "opencv", "data/none", values=VALUES) == ""
    clips = read_table(Run("tiny").streams("found") / "clips.parquet", STREAMED)
    errors = dict(clips.select("clip_id", "error").iter_rows())
    assert "not a video that FFmpeg can open" in errors["clip1"]
    assert errors["clip0"] is errors["clip2"] is None
    assert "; 0 from journal; failed 3: broken, clip1, name" in capsys.readouterr().out
    prepare(workplace.folder)
    assert workplace.run("streams", "tiny", "found", "opencv", "data/none", values=VALUES) == ""
    assert "; 2 from journal; failed 2: broken, name" in capsys.readouterr().out


def test_where_no_clip_can_be_looked_at_the_cell_does_not_look_finished(workplace: Workplace) -> None:  # noqa: F811
    prepare(workplace.folder)
    for path in (workplace.folder / "clips").iterdir():
        path.write_bytes(b"no video")
    said = workplace.run("streams", "tiny", "found", "opencv", "data/none", values=VALUES)
    assert "none of 3 clips could be looked at" in said
    assert not Run("tiny").streams("found").exists()


def test_pulled_tables_fill_the_journal(workplace: Workplace, capsys, monkeypatch, tmp_path_factory) -> None:  # noqa: F811
    prepare(workplace.folder)
    workplace.run("streams", "tiny", "found", "opencv", "data/none", values=VALUES)
    folder = Run("tiny").streams("found")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path_factory.mktemp("empty")))
    capsys.readouterr()
    workplace.run("streams", "tiny", "found", "opencv", "data/none", values=VALUES)
    assert "; 3 from journal" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_changed_param_looks_again(workplace: Workplace, capsys) -> None:  # noqa: F811
    prepare(workplace.folder)
    for side, known in ((200, 0), (200, 3), (160, 0)):
        values = {"vlm": {"opencv": {"backend": "opencv", "side": side}}}
        workplace.run("streams", "tiny", "found", "opencv", "data/none", values=values)
        assert f"; {known} from journal" in capsys.readouterr().out


def people(path: Path, masks: np.ndarray, width: int) -> None:
    """Write truth as `simulate` does for scenes of several people, what is read of it."""
    table = {
        "clip_id": ["clip0"],
        "frames": pa.array([masks.shape[1]], pa.int32()),
        "width": pa.array([width], pa.int32()),
        "height": pa.array([masks.shape[2]], pa.int32()),
        "person_masks": pa.array([[run_lengths(person).tolist() for person in masks]], pa.list_(pa.list_(pa.int32()))),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)


def test_the_benchmarks_own_masks(workplace: Workplace) -> None:  # noqa: F811
    prepare(workplace.folder, clips=1)
    _, truth = drawn([stands(100), *MEETING], 12)
    people(Path("data/tiny/truth.parquet"), truth, 200)
    assert workplace.run("streams", "tiny", "truth", "truth", "data/tiny/truth.parquet", values=VALUES) == ""
    rows = Streams(Run("tiny").streams("truth")).rows("clip0")
    assert rows["track"].unique().sort().to_list() == [1, 2, 3]
    shown = [masks_of(rows, track, range(12), 120, 200) for track in (1, 2, 3)]
    assert sorted(int(np.array_equal(one, other)) for one in shown for other in truth) == [0] * 6 + [1] * 3


@pytest.mark.parametrize(
    ("width", "clips", "said"),
    [(201, 1, r"masks of \(12, 120, 201\)"), (200, 2, "row clip1: it has no such clip"), (0, 1, "no table of it")],
    ids=["another size", "a clip that it lacks", "no table"],
)
def test_truth_that_does_not_fit(workplace: Workplace, width: int, clips: int, said: str) -> None:  # noqa: F811
    prepare(workplace.folder, clips)
    if width:
        people(Path("data/tiny/truth.parquet"), np.zeros((2, 12, 120, width), bool), width)
    told = workplace.run(
        "streams", "tiny", "truth", "truth", "data/tiny/truth.parquet" if width else "data/none", values=VALUES
    )
    if clips == 2:
        clips_table = read_table(Run("tiny").streams("truth") / "clips.parquet", STREAMED)
        told = " ".join(filter(None, clips_table["error"]))
    assert re.search(said, told)


@pytest.mark.slow
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path: Path) -> None:
    by_hand(tmp_path, VALUES)
    prepare(tmp_path, clips=12, frames=30)
    words = ("tiny", "found", "opencv", "data/none")
    journal = tmp_path / ".journal/streams"
    kill_when(started(tmp_path, *words, command="stages.streams"), lambda: records(journal) >= 3)
    spared = records(journal)
    folder = tmp_path / Run("tiny").streams("found")
    assert not (folder / "clips.parquet").exists()
    assert f"; {spared} from journal" in finished(started(tmp_path, *words, command="stages.streams"))
    resumed = {path.name: path.read_bytes() for path in folder.iterdir()}
    for lost in (folder, tmp_path / ".journal"):
        shutil.rmtree(lost)
    assert "; 0 from journal" in finished(started(tmp_path, *words, command="stages.streams"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == resumed
    assert set(resumed) == {"tracks.parquet", "clips.parquet"}
