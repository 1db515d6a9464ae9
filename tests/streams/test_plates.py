"""Backgrounds of fixed cameras: clips of textured rooms, in which who stands still is found by the camera's others."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from stages.base.journal.store import root
from stages.base.parallel.pool import parallel_map
from stages.base.paths import Run
from stages.base.schema import MANIFEST, STREAMED
from stages.base.tables import read_table, write_table
from stages.base.video.masks import from_runs
from stages.base.video.streams import Streams
from stages.streams import cameras
from stages.streams import run as work
from stages.streams.apart import cut_between_heads
from stages.streams.background import lab
from stages.streams.finder import Clip
from stages.streams.plates import LEAST, plate, shared_background, views
from tests.base.video.clips import write_clip
from tests.pipeline.drill import by_hand, finished, kill_when, records, started
from tests.stage import Workplace, workplace  # noqa: F401
from tests.streams.drawn import clip, drawn, stands

SIZE = (200, 120)
THRESHOLD = 24


def values(clips: int) -> dict[str, object]:
    return {"vlm": {"opencv": {"backend": "opencv", "side": 200, "clips": clips}}}


def room(number: int) -> np.ndarray:
    """Return a wall of many colours, (H, W, 3): its ground tells nobody."""
    tiles = np.random.default_rng(number).integers(60, 200, (6, 10, 3)).astype(np.uint8)
    return cv2.resize(tiles, SIZE, interpolation=cv2.INTER_NEAREST)


def filmed(number: int, place: int, light: float = 1.0, frames: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (T, H, W, 3) of two people who stand still in a room, elsewhere in each clip, and who is where."""
    images, truth = drawn([stands(25 + 14 * place), stands(80 + 17 * place)], frames)
    images = np.where(truth.any(axis=0)[..., None], images, room(number))
    return np.clip(images * light, 0, 255).astype(np.uint8), truth


def prepare(folder: Path, clips: dict[str, list[tuple[int, int, float]]], frames: int = 10) -> None:
    """Write clips, camera -> (room, where people stand, light), and their manifest."""
    rows = []
    for camera, of in clips.items():
        for place, (number, where, light) in enumerate(of):
            name = f"{camera}_{place}"
            made = clip(folder / "clips", filmed(number, where, light, frames)[0], name)
            path = str(Path(made.path).relative_to(folder))
            rows.append({**made._asdict(), "path": path, "md5": name, "camera": camera, "labels": ["Hug"]})
    write_table(folder / Run("tiny").manifest, rows, MANIFEST)


def run(place: Workplace, clips: int, compute: dict[str, Any] | None = None) -> dict[str, int]:
    """Return how many people each clip has, None where it has an error."""
    assert place.run("streams", "tiny", "found", "opencv", "data/none", values=values(clips), compute=compute) == ""
    table = read_table(Run("tiny").streams("found") / "clips.parquet", STREAMED)
    return dict(table.select("clip_id", "people").iter_rows())


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


TWO_ROOMS = {"a": [(number, place, 1 - 0.05 * place) for place in range(5) for number in (1, 2)]}


def test_who_stands_still_is_found_by_other_clips_of_the_camera_in_two_rooms_and_other_light(
    workplace: Workplace,  # noqa: F811
) -> None:
    prepare(workplace.folder, TWO_ROOMS)
    assert set(run(workplace, 0).values()) == {0}, "in its own clip alone nobody differs from the background"
    assert set(run(workplace, 24).values()) == {2}
    streams = Streams(Run("tiny").streams("found"))
    for place, (number, where, light) in enumerate(TWO_ROOMS["a"]):
        _, truth = filmed(number, where, light)
        for row in streams.rows(f"a_{place}").iter_rows(named=True):
            mask = from_runs(np.array(row["mask"]), SIZE[::-1])
            assert overlap(mask, truth[row["track"] - 1, row["frame"]]) > 0.7


def test_fewer_alike_clips_than_a_view_needs_change_nothing(workplace: Workplace, capsys) -> None:  # noqa: F811
    few = {"a": [(1, place, 1.0) for place in range(LEAST - 1)], "b": [(1, 4, 1.0)]}
    prepare(workplace.folder, few)
    assert set(run(workplace, 24).values()) == {0}, "another camera's clip is not looked at"


def test_a_new_clip_is_looked_at_with_its_cameras_and_no_others(workplace: Workplace, capsys) -> None:  # noqa: F811
    clips = {name: [(number, place, 1.0) for place in range(5)] for number, name in enumerate("ab")}
    prepare(workplace.folder, clips)
    assert set(run(workplace, 24).values()) == {2}
    run(workplace, 24)
    assert "; 10 from journal" in capsys.readouterr().out
    prepare(workplace.folder, {**clips, "b": [*clips["b"], (1, 5, 1.0)]})
    run(workplace, 24)
    assert "; 5 from journal" in capsys.readouterr().out


def test_a_clip_that_cannot_be_decoded_takes_nobody_with_it_and_is_in_no_key(
    workplace: Workplace,  # noqa: F811
    capsys,
) -> None:
    prepare(workplace.folder, {"a": [(1, place, 1.0) for place in range(6)]})
    (workplace.folder / "clips/a_3.mov").write_bytes(b"no video")
    assert run(workplace, 24) == {"a_3": None, **{f"a_{place}": 2 for place in (0, 1, 2, 4, 5)}}
    prepare(workplace.folder, {"a": [(1, place, 1.0) for place in range(6)]})
    capsys.readouterr()
    assert set(run(workplace, 24).values()) == {2}
    assert "; 0 from journal" in capsys.readouterr().out, "its plate shapes the others'"


def test_of_many_clips_some_are_looked_at_evenly(monkeypatch) -> None:
    monkeypatch.setattr(cameras, "_CANDIDATES", 4)
    camera = cameras.Camera("a", *SIZE)
    many = [cameras.Filmed(Clip(str(place), "", 10, *SIZE), camera, str(place)) for place in range(40)]
    assert [one.md5 for one in cameras._spread(many)] == ["5", "15", "25", "35"]
    assert cameras._spread(many[:3]) == many[:3]


def test_views_have_nobody_in_them_and_a_clips_background_has_its_light() -> None:
    plates = [filmed(number, place, 1 - 0.05 * place, 1)[0][0] for place in range(6) for number in (1, 2)]
    found = views(plates, 24, THRESHOLD)
    assert len(found) == 2
    for number in (1, 2):
        dark = (room(number) * 0.7).astype(np.uint8)
        back = shared_background(lab(dark), found, THRESHOLD)
        assert back is not None
        assert (np.abs(back.astype(int) - cv2.cvtColor(dark, cv2.COLOR_RGB2LAB)) > 12).mean() < 0.2
    assert shared_background(lab(room(3)), found, THRESHOLD) is None, "a room that no view shows"
    assert shared_background(lab(room(1)[:60]), found, THRESHOLD) is None, "frames of another size than the manifest's"
    assert views(plates[: 2 * LEAST - 2], 24, THRESHOLD) == []
    assert views([np.zeros((4, 6, 3), np.uint8)] * 5, 24, THRESHOLD)[0].max() == 0, "nothing tells the light"


@pytest.mark.parametrize("size", [(4000, 90), (3, 2)], ids=["wide", "tiny"])
def test_a_plate_of_three_frames_is_no_larger_than_it_is_worked_at(tmp_path: Path, size: tuple[int, int]) -> None:
    width, height = size
    frames = np.full((3, height, width, 3), 90, np.uint8)
    frames[1] = 200
    path = write_clip(tmp_path / "clip.mov", frames)
    image = plate(Clip("clip", str(path), 3, width, height), 320)
    assert image.shape == ((7, 320, 3) if width > 320 else (height, width, 3))
    assert (image == 90).all(), "what is there most of the time"


def test_people_who_touch_are_cut_between_their_heads_and_one_alone_is_not() -> None:
    _, truth = drawn([stands(60), stands(90)], 1)
    both = truth.any(axis=0)[0]
    both[70:76, 60:90] = True  # a hand
    parts = [cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0] - 1 for mask in (both, truth[0, 0])]
    cut = [cut_between_heads(mask) for mask in (both, truth[0, 0])]
    after = [cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[0] - 1 for mask in cut]
    assert (parts, after) == ([1, 1], [2, 1])
    assert np.array_equal(cut[1], truth[0, 0])
    assert both.sum() - cut[0].sum() < 20, "a line"
    assert not cut_between_heads(np.zeros((5, 5), bool)).any()
    assert cut_between_heads(np.ones((5, 5), bool)).all()


def tables(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_who_looks_at_a_clip_is_told_a_key_and_no_pixels(
    workplace: Workplace,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Any] = []

    def spied(function: Any, items: Iterable[Any], *how: Any) -> Iterator[tuple[Any, Any]]:
        told.extend(items)
        return parallel_map(function, told, *how)

    monkeypatch.setattr(work, "parallel_map", spied)
    prepare(workplace.folder, TWO_ROOMS)
    assert set(run(workplace, 24).values()) == {2}
    assert len(told) == 10
    assert max(len(pickle.dumps(job)) for job in told) < 500


@pytest.mark.slow
def test_workers_of_a_cluster_give_the_bytes_of_this_machine(
    workplace: Workplace,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ray = pytest.importorskip("ray")
    prepare(workplace.folder, {**TWO_ROOMS, "b": [(3, place, 1.0) for place in range(5)], "alone": [(4, 0, 1.0)]})
    run(workplace, 24)
    folder = Run("tiny").streams("found")
    local = tables(folder)
    shutil.rmtree(folder)  # it would fill the other journal
    monkeypatch.setenv("HAR_JOURNAL", str(root().with_name("of_the_cluster")))
    try:
        found = run(workplace, 24, {"engine": "ray", "workers": 2})
    finally:
        ray.shutdown()
    assert found.pop("alone_0") == 0, "nobody else filmed its room"
    assert set(found.values()) == {2}
    assert tables(folder) == local
    assert records(root() / cameras.VIEWS_ROOM) == 2, "once a camera, whoever looks"


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["plates", "streams"])
def test_a_run_that_is_killed_among_plates_or_people_ends_in_the_same_bytes(tmp_path: Path, killed: str) -> None:
    by_hand(tmp_path, values(24))
    prepare(tmp_path, {"a": [(number, place, 1.0) for place in range(6) for number in (1, 2)]}, frames=30)
    words = ("tiny", "found", "opencv", "data/none")
    whole = tmp_path / "whole"
    folder = tmp_path / Run("tiny").streams("found")
    kill_when(started(tmp_path, *words, command="stages.streams"), lambda: records(tmp_path / ".journal" / killed) >= 3)
    assert not (folder / "clips.parquet").exists()
    finished(started(tmp_path, *words, command="stages.streams"))
    folder.rename(whole)
    (tmp_path / ".journal").rename(tmp_path / "gone")
    assert "; 0 from journal" in finished(started(tmp_path, *words, command="stages.streams"))
    assert tables(folder) == tables(whole)
