"""How fast `simulate` renders, and what DESIGN.md's controls leave of the answer on the clips that it rendered.

    python -m bench.simulate            # 60 clips of a default-sized scene: seconds of CPU and bytes a clip
    python -m bench.simulate data/home  # the controls on a rendered scene, CS split, decoded from its files

The controls' model is deliberately plain: ridge regression on four small gray frames and their mean colours; what the
person tells is measured on its joints. Chance is one over the number of classes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from stages.base.video import controls
from stages.simulate.activities import ACTIVITIES
from stages.simulate.params import Scene
from stages.simulate.render import encode, plan, render

CS_TRAIN = {"03", "04", "06", "07", "09", "12", "13", "15", "17", "19", "25"}
PAIRS = (("Sitdown", "Getup"), ("Enter", "Leave"))


def speed(clips: int = 60) -> None:
    """Print what a clip costs on one core."""
    scene = Scene(
        seed=1,
        clips=clips,
        fps=12.5,
        size=(160, 120),
        seconds=(2, 4),
        subjects=list(range(2, 20)),
        cameras=list(range(1, 8)),
        rooms=6,
        activities=sorted(ACTIVITIES),
        style="home",
    )
    cv2.setNumThreads(1)
    started, frames, size = time.process_time(), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(clips):
            clip = render(scene, plan(scene, number))
            path = Path(folder) / "clip.mp4"
            encode(clip.frames, scene.fps, path)
            frames += len(clip.frames)
            size += path.stat().st_size
    took = time.process_time() - started
    print(f"{clips} clips, {frames} frames: {1000 * took / frames:.2f} ms of CPU a frame, {took / clips:.3f} s a clip")
    print(f"600 clips on 2 free cores: {600 / 2 * took / clips:.0f} s; {size / clips / 1024:.1f} KiB a clip")


def main() -> None:
    """Measure speed, or the controls on a rendered scene."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("scene", nargs="?", type=Path, help="folder of a rendered scene, such as data/home")
    folder = arguments.parse_args().scene
    if folder is None:
        speed()
        return
    truths = pl.read_parquet(folder / "truth.parquet").to_dicts()
    labels = np.array([truth["label"] for truth in truths])
    train = np.array([truth["subject"] in CS_TRAIN for truth in truths])
    frames = [_decoded(folder / "clips" / f"{truth['clip_id']}.mp4") for truth in truths]
    everything = np.ones(len(labels), bool)
    print(f"{len(labels)} clips, {len(set(labels))} classes, chance {1 / len(set(labels)):.3f}")
    spread = [np.linspace(0, len(f) - 1, 6).round().astype(int) for f in frames]
    _show("joints", np.stack([_pose(t, o) for t, o in zip(truths, spread, strict=True)]), labels, train, everything)
    for name in ("without_person", "mean_colour"):
        x = np.stack([_pixels(controls.apply(name, f, t, 0)) for f, t in zip(frames, truths, strict=True)])
        _show(name, x, labels, train, everything)
    rng = np.random.default_rng(0)
    for pair in PAIRS:
        chosen = np.isin(labels, pair)
        for name, order in (
            ("in order", spread),
            ("shuffled", [rng.permutation(o) for o in spread]),
            ("one frame", [np.repeat(rng.integers(len(f)), 6) for f in frames]),
        ):
            x = np.stack([_pose(t, o) for t, o in zip(truths, order, strict=True)])
            _show(f"{' or '.join(pair)}, joints {name}", x, labels, train, chosen)


def _decoded(path: Path) -> NDArray[np.uint8]:
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def _pixels(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    picked = frames[np.linspace(0, len(frames) - 1, 4).round().astype(int)]
    gray = [cv2.resize(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), (24, 24), interpolation=cv2.INTER_AREA) for one in picked]
    return np.concatenate([np.ravel(gray), picked.mean((1, 2)).ravel()]).astype(float)


def _pose(truth: dict[str, Any], order: NDArray[np.int64]) -> NDArray[np.float64]:
    joints = controls.joints(truth)[order]
    centre = joints.mean(1, keepdims=True)
    return np.concatenate([(joints - centre).ravel(), centre.ravel()]).astype(float)


def _show(
    name: str, x: NDArray[np.float64], labels: NDArray[np.str_], train: NDArray[np.bool_], chosen: NDArray[np.bool_]
) -> None:
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=300)).fit(x[train & chosen], labels[train & chosen])
    test = chosen & ~train
    hit = model.predict(x[test]) == labels[test]
    mca = np.mean([hit[labels[test] == label].mean() for label in set(labels[test])])
    by_chance = binom.sf(hit.sum() - 1, len(hit), 1 / len(set(labels[chosen])))
    print(
        f"{name:36s} mean class accuracy {mca:.3f}  ({hit.sum()} of {len(hit)}; guessing gets there: p {by_chance:.2g})"
    )


if __name__ == "__main__":
    main()
