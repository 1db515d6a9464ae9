"""The resuscitation table: annotations that keep the rules, and only newborn, hands and tools to tell them by."""

from __future__ import annotations

import csv
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stages.base.paths import Run
from stages.base.tables import read_table
from stages.base.video import controls
from stages.base.video.decode import iterate, probe
from stages.simulate.make_table import make_table
from stages.simulate.params import Table
from stages.simulate.recording import POINTS, Recording, plan, render
from stages.simulate.schema import RECORDINGS
from stages.simulate.script import DEEDS, write

ACTIVITIES = ("stimulation", "suction", "ventilation")


def scene(**changed: Any) -> Table:
    values: dict[str, Any] = {
        "style": "resuscitation",
        "seed": 3,
        "recordings": 12,
        "fps": 4.0,
        "size": (80, 64),
        "seconds": (30.0, 40.0),
        "subjects": [1, 2, 3, 4],
        "helped": 0.6,
        "newborns": 3,
        "tables": 3,
    }
    return Table(**{**values, **changed})


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    small = scene()
    return [render(small, plan(small, number)) for number in range(small.recordings)]


def test_same_seed_gives_the_same_bytes_in_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made: dict[str, dict[str, bytes]] = {}
    for name, count, processes in (("one", 2, 1), ("two", 2, 2), ("more", 3, 2)):
        finished: list[int] = []
        make_table(scene(recordings=count, fps=2.0, seconds=(15, 18)), Run(name), processes, finished.append)
        assert sum(finished) == count
        made[name] = {path.name: path.read_bytes() for path in Path("data", name).rglob("*.*") if path.is_file()}
        assert len(read_table(Path("data", name, "truth.parquet"), RECORDINGS)) == count
    assert made["one"] == made["two"]
    videos = {name for name in made["one"] if name.endswith(".mp4")}
    assert len(videos) == 2
    assert all(made["one"][name] == made["more"][name] for name in videos)  # more recordings change none
    rows = list(csv.DictReader(Path("data/one/clips/annotations.csv").read_text().splitlines()))
    assert {row["recording"] for row in rows} == {Path(name).stem for name in videos}
    for name in videos:
        seen = probe(Path("data/one/clips", name))
        assert seen.error is None
        assert max(float(row["end"]) for row in rows if row["recording"] == Path(name).stem) <= seen.duration
        keys = [frame.index for frame in iterate(Path("data/one/clips", name)) if frame.picture.key_frame]
        assert max(b - a for a, b in pairwise(keys)) <= 4  # two seconds


@pytest.mark.parametrize("helper", [False, True])
def test_scripts_keep_the_rules_and_one_worker_has_two_hands(helper: bool) -> None:
    seen: dict[str, float] = defaultdict(float)
    for seed in range(150):
        script = write(45.0, helper, np.random.default_rng(seed))
        comes, goes = script.lies
        for one in script.intervals():
            assert comes <= one.start < one.end <= goes
            seen[one.label] += one.end - one.start
        for track in (script.head, script.body):
            assert all(a.end <= b.start for a, b in pairwise(track))
        for deed in script.body:
            beside = {other.kind for other in script.head if other.start < deed.end and deed.start < other.end}
            assert "rub_back" not in beside
            assert helper or "ventilate" not in beside
    assert set(seen) == set(ACTIVITIES)
    assert all(0.1 < seconds / (150 * 45) < 0.45 for seconds in seen.values())


def test_all_deeds_occur_and_recordings_differ_in_who_works(recordings: list[Recording]) -> None:
    deeds = {deed.kind for one in recordings for deed in [*one.script.head, *one.script.body]}
    assert deeds >= {kind for kind in DEEDS if not kind.startswith("check")}
    assert len({one.plan.subject for one in recordings}) == 4
    assert {one.plan.helper is None for one in recordings} == {True, False}


def test_a_newborn_is_annotated_as_long_as_its_trunk_is_in_the_picture(recordings: list[Recording]) -> None:
    for one in recordings:
        (there,) = [interval for interval in one.intervals if interval.label == "baby_visible"]
        seen = points(one)[:, POINTS.index("trunk")]
        inside = ((seen >= 0) & (seen <= [80, 64])).all(1)
        times = np.arange(len(inside)) / 4
        annotated = (times >= there.start) & (times < there.end)
        assert not (annotated & ~inside).any()
        for interval in one.intervals:
            assert there.start <= interval.start < interval.end <= there.end


def test_outside_of_newborn_hands_and_tools_nothing_changes(recordings: list[Recording]) -> None:
    for one in recordings[:4]:
        masks, first = controls.masks(one.truth), one.frames[0]
        for frame, mask in zip(one.frames, masks, strict=True):
            free = ~mask & ~masks[0]
            assert np.array_equal(frame[free], first[free])


def test_without_newborn_hands_and_tools_only_the_table_is_left(recordings: list[Recording]) -> None:
    for one in recordings[:4]:
        plate = controls.plate(one.truth).astype(int)
        empty = controls.apply("without_person", one.frames, one.truth, 0).astype(int)
        assert np.abs(empty - plate).mean() < 2  # JPEG
        assert np.abs(empty - empty.mean(0)).mean() < 0.5  # no frame tells itself from another


def test_where_hands_and_tools_are_tells_the_activity_in_other_recordings(recordings: list[Recording]) -> None:
    train, test = recordings[:8], recordings[8:]
    for label in ACTIVITIES:
        x, y = zip(*(windows(one, label) for one in train), strict=True)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=500))
        model.fit(np.concatenate(x), np.concatenate(y))
        x, y = zip(*(windows(one, label) for one in test), strict=True)
        assert roc_auc_score(np.concatenate(y), model.predict_proba(np.concatenate(x))[:, 1]) > 0.9, label


def points(one: Recording) -> NDArray[np.float32]:
    return np.asarray(one.truth["points"], np.float32).reshape(len(one.frames), len(POINTS), 2)


def windows(one: Recording, label: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return for each second of a recording features of its two seconds, and whether the label holds for the most."""
    where = points(one)
    x, y = [], []
    for start in range(0, len(where) - 7, 4):
        part = where[start : start + 8].astype(float)
        apart = np.linalg.norm(part[:, :, None] - part[:, None], axis=-1)  # who is near to whom
        x.append(np.concatenate([part.std(0).ravel(), apart.mean(0).ravel()]))
        low, high = start / 4, start / 4 + 2
        covered = sum(max(0.0, min(high, i.end) - max(low, i.start)) for i in one.intervals if i.label == label)
        y.append(covered > 1)
    return np.stack(x), np.array(y)


@pytest.mark.parametrize(
    "changed",
    [
        {"seconds": (40, 30)},
        {"seconds": (5, 30)},
        {"recordings": 0},
        {"style": "home"},
        {"size": (81, 64)},
        {"helped": 1.5},
    ],
)
def test_impossible_tables_are_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        scene(**changed)
