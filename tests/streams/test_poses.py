"""The back end `blazepose`: who is who, by nets that see what is drawn; and the real nets, if they were fetched."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter

from bench.streams import OVERLAP, both_found
from stages.base.errors import InputError
from stages.base.video.masks import from_runs
from stages.streams.blazepose import DETECTOR, BlazePose, Pose, Square
from stages.streams.params import BlazePoseParams
from stages.streams.poses import Poses
from tests.conftest import ROOT
from tests.streams.drawn import clip, drawn, stands, walks
from tools import blazepose

PARAMS = BlazePoseParams(backend="blazepose", folder="nowhere", side=330)


class Sees:
    """Nets that see the truth (P, T, H, W) frame by frame; who is hidden for the most part is not seen."""

    def __init__(self, truth: np.ndarray) -> None:
        self.truth, self.whole, self.frame = truth, truth.sum((2, 3)).max(1), 0

    def seen(self) -> list[tuple[Square, np.ndarray]]:
        masks = [
            mask for mask, whole in zip(self.truth[:, self.frame], self.whole, strict=True) if 2 * mask.sum() > whole
        ]
        return [(Square(np.argwhere(mask).mean(0)[::-1], 90.0, 0.0), mask) for mask in masks]

    def pose(self, image: np.ndarray, square: Square) -> Pose:
        near = [(float(np.linalg.norm(one.centre - square.centre)), one, mask) for one, mask in self.seen()]
        distance, one, mask = min(near, key=lambda found: found[0], default=(1e9, square, self.truth[0, 0] * False))
        return Pose(0.9 if distance < 30 else 0.0, mask.astype(np.float32), one)

    def people(self, image: np.ndarray, least: float) -> Iterator[Square]:
        yield from [square for square, _ in self.seen()]
        self.frame += 1  # it is asked once a frame, after those who are followed


def found(
    tmp_path: Path, frames: np.ndarray, truth: np.ndarray, params: BlazePoseParams = PARAMS
) -> dict[int, set[int]]:
    """Return whom each track shows, in the frames in which nobody is within a few steps of another."""
    finder = Poses(params)
    finder.__dict__["_net"] = Sees(truth)
    middles = [[np.argwhere(mask)[:, 1].mean() for mask in masks if mask.any()] for masks in truth.swapaxes(0, 1)]
    apart = [len(places) < 2 or np.diff(sorted(places)).min() > 30 for places in middles]
    shown: dict[int, set[int]] = {}
    for one in finder.find(clip(tmp_path, frames)):
        mask = from_runs(one.mask, frames.shape[1:3])
        shares = [(mask & person[one.frame]).sum() / mask.sum() for person in truth]
        assert max(shares) == 1
        if apart[one.frame]:
            shown.setdefault(one.track, set()).add(int(np.argmax(shares)))
    return shown


def leaves_and_comes(t: int) -> tuple[int, int] | None:
    return (170 + 4 * t, 110) if t < 15 else (170 + 4 * (45 - t), 110) if t > 30 else None


@pytest.mark.parametrize(
    ("courses", "frames", "tracks"),
    [
        ([], 6, 0),
        ([walks(30, 3)], 20, 1),
        ([walks(30, 3.4), walks(170, -3.4, 112)], 42, 2),
        ([lambda t: (40 + min(t, 20) * 2, 110), lambda t: (160 - min(t, 20) * 2, 110)], 40, 2),
        ([stands(60), leaves_and_comes], 46, 2),
        ([stands(4), stands(120, 150)], 20, 2),
        ([walks(25 + 60 * who, 1.0 if who % 2 else -0.2) for who in range(5)], 20, 5),
        ([walks(50, 10), walks(150, -10)], 3, 2),
    ],
    ids=[
        "nobody",
        "one",
        "cross",
        "meet and touch",
        "leaves and comes back",
        "cut by the frame",
        "five",
        "three frames",
    ],
)
def test_each_track_shows_one_person_all_the_time(tmp_path: Path, courses: list, frames: int, tracks: int) -> None:
    images, truth = drawn(courses or [lambda t: None], frames, (330, 120) if tracks == 5 else (200, 120))
    shown = found(tmp_path, images, truth)
    assert sorted(map(sorted, shown.values())) == [[who] for who in range(tracks)]


def test_a_stranger_who_comes_later_is_somebody_else(tmp_path: Path) -> None:
    def leaves(t: int) -> tuple[int, int] | None:
        return (170 + 4 * t, 110) if t < 15 else None

    def comes(t: int) -> tuple[int, int] | None:
        return (170 + 4 * (45 - t), 110) if t > 30 else None

    assert sorted(map(sorted, found(tmp_path, *drawn([stands(60), leaves, comes], 46)).values())) == [[0], [1], [2]]


def test_no_more_are_followed_than_is_asked(tmp_path: Path) -> None:
    few = PARAMS.model_copy(update={"people": 1})
    assert len(found(tmp_path, *drawn([stands(40), stands(150)], 10), few)) == 1


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    params = PARAMS.model_copy(update={"folder": str(tmp_path)})
    with pytest.raises(InputError, match=rf"{DETECTOR}: no weights.*\n.*make blazepose"):
        Poses(params).shapes("clip")
    made = clip(tmp_path, drawn([stands(40)], 3)[0])
    (tmp_path / DETECTOR).write_bytes(b"no net")
    with pytest.raises(
        InputError, match="LiteRT is not installed" if not find_spec("ai_edge_litert") else "no such net"
    ):
        Poses(params).find(made)


def test_what_is_there_is_left_as_it_is_and_without_a_registry_nothing_is_half_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(InputError, match=r"pip did not get mediapipe==0\.10\.21"):
        blazepose.main()
    assert list(blazepose.FOLDER.parent.iterdir()) == []
    blazepose.FOLDER.mkdir()
    blazepose.main()
    assert capsys.readouterr().out == f"{blazepose.FOLDER} is there\n"


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> BlazePoseParams:
    monkeypatch.chdir(ROOT)
    if not blazepose.FOLDER.exists() or not find_spec("ai_edge_litert"):
        pytest.skip(f"{blazepose.FOLDER} or LiteRT is not there: make blazepose")
    block = yaml.safe_load(Path("params/models/blazepose.yaml").read_text())
    return TypeAdapter(BlazePoseParams).validate_python(block)


def test_the_nets_see_nobody_where_nobody_is(fetched: BlazePoseParams) -> None:
    net = BlazePose(Path(fetched.folder), fetched.landmarks)
    empty = np.full((120, 200, 3), 90, np.uint8)
    assert list(net.people(empty, fetched.sees)) == []
    assert net.pose(empty, Square(np.array([100.0, 60.0]), 80.0, 0.3)).sure < fetched.sure


@pytest.mark.slow
def test_both_people_are_found_in_four_of_five_labelled_frames(
    fetched: BlazePoseParams, remote_file: Callable[[str], Path]
) -> None:
    values = [values for _, values in both_found(remote_file("data/ut_interaction/clips"), fetched)]
    assert sum(min(overlaps) >= OVERLAP for overlaps in values) >= 0.8 * 30
