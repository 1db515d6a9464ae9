"""What DESIGN.md's controls must show: without the person, its object or the order of frames, the answer is gone."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stages.base.video import controls
from stages.simulate.render import plan, render
from tests.simulate.small import CS_TRAIN, scene

CLASSES = ["Cook_Stir", "Drink_Frombottle", "Enter", "Getup", "Laydown", "Leave", "Sitdown", "Usetelephone"]


class Rendered(NamedTuple):
    frames: list[NDArray[np.uint8]]
    truths: list[dict[str, object]]
    labels: NDArray[np.str_]
    train: NDArray[np.bool_]


@pytest.fixture(scope="module")
def clips() -> Rendered:
    small = scene(activities=CLASSES, clips=36 * len(CLASSES), fps=2.0, seconds=(2.0, 2.6), size=(64, 48))
    made = [render(small, plan(small, number)) for number in range(small.clips)]
    return Rendered(
        [clip.frames for clip in made],
        [clip.truth for clip in made],
        np.array([clip.plan.activity for clip in made]),
        np.array([clip.plan.subject in CS_TRAIN for clip in made]),
    )


def features(frames: NDArray[np.uint8], number: int = 4) -> NDArray[np.float64]:
    picked = frames[np.linspace(0, len(frames) - 1, number).round().astype(int)]
    gray = [cv2.resize(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), (20, 15), interpolation=cv2.INTER_AREA) for one in picked]
    return np.concatenate([np.ravel(gray), picked.mean((1, 2)).ravel()]).astype(float)


def pose(truth: dict[str, object], order: NDArray[np.int64]) -> NDArray[np.float64]:
    joints = controls.joints(truth)[order]
    centre = joints.mean(1, keepdims=True)
    return np.concatenate([(joints - centre).ravel(), centre.ravel()]).astype(float)


def right(x: NDArray[np.float64], clips: Rendered, chosen: NDArray[np.bool_]) -> tuple[int, int]:
    """Return how many of how many test clips a linear model trained on CS's subjects names rightly."""
    train, test = chosen & clips.train, chosen & ~clips.train
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=300))
    model.fit(x[train], clips.labels[train])
    return int((model.predict(x[test]) == clips.labels[test]).sum()), int(test.sum())


def near_chance(hits: int, clips: int, classes: int) -> bool:
    """Whether guessing gets as far as often as once in a thousand times."""
    return bool(binom.sf(hits - 1, clips, 1 / classes) > 1e-3)


@pytest.mark.parametrize("control", ["without_person", "mean_colour"])
def test_a_control_leaves_nothing_to_go_by(clips: Rendered, control: str) -> None:
    x = np.stack([features(controls.apply(control, f, t, 0)) for f, t in zip(clips.frames, clips.truths, strict=True)])
    assert near_chance(*right(x, clips, np.ones(len(x), bool)), len(CLASSES))


def test_the_person_tells(clips: Rendered) -> None:
    x = np.stack(
        [
            pose(t, np.linspace(0, len(f) - 1, 4).round().astype(int))
            for f, t in zip(clips.frames, clips.truths, strict=True)
        ]
    )
    hits, total = right(x, clips, np.ones(len(x), bool))
    assert hits / total > 0.6


@pytest.mark.parametrize("pair", [("Sitdown", "Getup"), ("Enter", "Leave")])
def test_order_alone_tells_the_direction(clips: Rendered, pair: tuple[str, str]) -> None:
    rng = np.random.default_rng(0)
    chosen = np.isin(clips.labels, pair)
    orders = [np.linspace(0, len(f) - 1, 4).round().astype(int) for f in clips.frames]
    ordered = np.stack([pose(t, order) for t, order in zip(clips.truths, orders, strict=True)])
    mixed = np.stack([pose(t, rng.permutation(order)) for t, order in zip(clips.truths, orders, strict=True)])
    single = np.stack(
        [pose(t, np.repeat(rng.integers(len(f)), 4)) for f, t in zip(clips.frames, clips.truths, strict=True)]
    )
    hits, total = right(ordered, clips, chosen)
    assert hits / total > 0.9
    assert near_chance(*right(mixed, clips, chosen), 2)
    assert near_chance(*right(single, clips, chosen), 2)


def test_controls_keep_shape_and_repeat_themselves(clips: Rendered) -> None:
    frames, truth = clips.frames[0], clips.truths[0]
    for name in controls.CONTROLS:
        once, again = (controls.apply(name, frames, truth, 3) for _ in range(2))
        assert once.shape == frames.shape
        assert once.dtype == np.uint8
        assert np.array_equal(once, again)
    assert np.array_equal(controls.apply("reversed", frames, truth, 0)[::-1], frames)
    assert np.array_equal(controls.apply("mirrored", frames, truth, 0)[:, :, ::-1], frames)
    shuffled = controls.apply("shuffled", frames, truth, 0)
    assert sorted(map(bytes, shuffled)) == sorted(map(bytes, frames))
    assert len(np.unique(controls.apply("mean_colour", frames, truth, 0).reshape(-1, 3), axis=0)) == 1
