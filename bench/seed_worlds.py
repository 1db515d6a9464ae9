"""Simulated trainings: yes/no answers of k seeds to the same clips, in a world whose true numbers are known.

Each replicate draws new subjects and new seeds. The log-odds that the answer to a clip is right, by one training, are

    class + subject + subject by class + clip  +  seed + seed by class + seed by subject

and, given those, right is drawn for every training on its own: chance of a clip and a training. The truth is the mean
over all subjects and seeds that could have been drawn. "home" is the embedded benchmark's test part, one class a clip;
"recordings" the resuscitation table's, whose windows have several labels: there "class" is one for windows that have a
label, another for those that have not, and the number is macro-F1.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from stages.stats.design import Design, Floats, Ints, Mask

TABLES = Path(__file__).parents[1] / "tests" / "stats"


class Effects(NamedTuple):
    """Standard deviations in log-odds."""

    subject: float
    subject_class: float
    clip: float
    seed: float
    seed_class: float
    seed_subject: float


class World(NamedTuple):
    """N questions to answer, each about a clip: of one class a clip is one question, of C labels it is C."""

    design: Design
    """(N,) class and subject of each question."""
    clip: Ints
    """(N,): which clip it is about."""
    actual: Mask | None
    """(N,): whether the clip has the label; None where a clip has one class and right is all that counts."""
    odds: Floats
    """(N,): log-odds of being right without effects."""
    effects: Effects

    @property
    def windows(self) -> Design:
        """The clips, M, as one class: what intervals of macro-F1 over labels are made from."""
        return Design.of(["all"] * (int(self.clip.max()) + 1), self.design.of_subject[:: len(self.design.classes)])

    def truth(self, rng: np.random.Generator, seeds: int = 20_000) -> float:
        """Return the true value: the mean over seeds, subjects integrated out."""
        classes, effects = len(self.design.classes), self.effects
        nodes, weights = np.polynomial.hermite_e.hermegauss(40)
        weights = weights / weights.sum()
        rest = np.sqrt(effects.subject**2 + effects.subject_class**2 + effects.clip**2 + effects.seed_subject**2)
        drawn = effects.seed * rng.standard_normal((seeds, 1)) + effects.seed_class * rng.standard_normal(
            (seeds, classes)
        )
        kinds = np.zeros(len(self.odds), np.int64) if self.actual is None else self.actual.astype(np.int64)
        right = np.zeros((2, seeds, classes))
        clips = np.zeros((2, classes))
        for kind in np.unique(kinds):
            for c in range(classes):
                here = (kinds == kind) & (self.design.of_class == c)
                clips[kind, c] = here.sum()
                if here.any():
                    right[kind, :, c] = expit(self.odds[here][0] + drawn[:, c, None] + rest * nodes) @ weights
        if self.actual is None:
            return float(right[0].mean())
        hit, false = clips[1] * right[1], clips[0] * (1 - right[0])
        return float((2 * hit / (clips[1] + hit + false)).mean())


def home(mean: float, effects: Effects) -> World:
    """Return the world of the embedded benchmark, whose classes have log-odds around `mean`."""
    with (TABLES / "home_cs_counts.csv").open(newline="") as lines:
        head, *rows = list(csv.reader(lines))
    cells = [
        (row[0], subject)
        for row in rows
        for subject, count in zip(head[1:], row[1:], strict=True)
        for _ in range(int(count))
    ]
    design = Design.of([name for name, _ in cells], [subject for _, subject in cells])
    odds = mean + 1.5 * np.random.default_rng(5).standard_normal(len(design.classes))
    return World(design, np.arange(len(cells)), None, odds[design.of_class], effects)


def recordings(mean: float, effects: Effects) -> World:
    """Return the world of windows with several labels; a window without a label is right by `mean` + 1."""
    with (TABLES / "resuscitation_counts.csv").open(newline="") as lines:
        head, *rows = list(csv.reader(lines))
    windows = [
        (set(row[0].split("+")), group)
        for row in rows
        for group, count in zip(head[1:], row[1:], strict=True)
        for _ in range(int(count))
    ]
    classes = sorted(set().union(*(labels for labels, _ in windows)) - {""})
    design = Design.of([name for _ in windows for name in classes], [group for _, group in windows for _ in classes])
    actual = np.array([name in labels for labels, _ in windows for name in classes])
    odds = np.where(actual, mean, mean + 1) + np.tile(np.linspace(0.5, -0.5, len(classes)), len(windows))
    return World(design, np.repeat(np.arange(len(windows)), len(classes)), actual, odds, effects)


class Tested(NamedTuple):
    """The subjects of R replicates, who are the same to every method and seed."""

    subject: Floats
    """(R, S)."""
    subject_class: Floats
    """(R, C, S)."""
    clip: Floats
    """(R, clips)."""


def tested(world: World, replicates: int, rng: np.random.Generator) -> Tested:
    """Return standard normal effects of new subjects and clips."""
    classes, subjects = len(world.design.classes), len(world.design.subjects)
    return Tested(
        rng.standard_normal((replicates, subjects)),
        rng.standard_normal((replicates, classes, subjects)),
        rng.standard_normal((replicates, int(world.clip.max()) + 1)),
    )


def trained(world: World, subjects: Tested, seeds: int, rng: np.random.Generator) -> Mask:
    """Return (k, R, N): whether the answers of k new trainings are right."""
    design, effects = world.design, world.effects
    c, s, replicates = design.of_class, design.of_subject, len(subjects.subject)
    odds = (
        world.odds
        + effects.subject * subjects.subject[:, s]
        + effects.subject_class * subjects.subject_class[:, c, s]
        + effects.clip * subjects.clip[:, world.clip]
    )
    right = []
    for _ in range(seeds):
        own = effects.seed * rng.standard_normal((replicates, 1))
        own = own + effects.seed_class * rng.standard_normal((replicates, len(design.classes)))[:, c]
        own = own + effects.seed_subject * rng.standard_normal((replicates, len(design.subjects)))[:, s]
        right.append(rng.random(odds.shape) < expit(odds + own))
    return np.array(right)


def mixed(one: Tested, other: Tested, alike: float) -> Tested:
    """Return effects that correlate with those of `one` by `alike`."""
    return Tested(*(alike * a + (1 - alike**2) ** 0.5 * b for a, b in zip(one, other, strict=True)))
