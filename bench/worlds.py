"""Simulated answers to the test clips of Toyota Smarthome: a world whose true numbers are known.

Each replicate draws new subjects: logit P(right) = class + subject effect + subject-by-class effect, and a wrong answer
names another class by the class's own habit of confusion. The truth is the mean over all subjects that could have been
drawn; which subject recorded how many clips of which class is as it really is.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from stages.stats.design import Floats

TABLES = Path(__file__).parents[1] / "tests" / "stats"

#: Mean and standard deviation of the classes' log-odds. "wide" is like the published generations under keyword match,
#: whose classes lie between 0 and 1; "low" a metric hardly ever met, "high" one mostly met.
LEVELS = {"wide": (0.3, 2.0), "low": (-2.5, 1.2), "high": (2.0, 1.0)}

#: Standard deviation, in log-odds, of the subject's and of the subject-by-class effect. They give intraclass
#: correlations from 0 to 0.23; keyword match on the four published generations shows 0.03 to 0.17.
EFFECTS = ((0.0, 0.0), (0.3, 0.3), (0.5, 1.0), (0.0, 1.0), (1.0, 0.5), (1.0, 1.0))

#: Correlation of two methods' effects: what is hard with a subject is hard for both.
ALIKE = 0.5


class World(NamedTuple):
    """What a simulation draws from."""

    clips: Floats
    """(C, S): clips of each class and subject."""
    odds: Floats
    """(C,): log-odds of being right in each class, for a subject without effects."""
    confusion: Floats
    """(C, C): which class a wrong answer names; rows sum to 1, the diagonal is 0."""
    effects: tuple[float, float]
    """Standard deviation of the subject's and of the subject-by-class effect."""

    @property
    def right(self) -> Floats:
        """(C,): probability of being right, over all subjects."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        values = expit(self.odds[:, None] + np.hypot(*self.effects) * nodes) @ weights
        return np.asarray(values / weights.sum())

    def truth(self) -> dict[str, float]:
        """Return the true value of each aggregate."""
        size, right = self.clips.sum(1), self.right
        named = (size * (1 - right)) @ self.confusion + size * right
        return {
            "mca": float(right.mean()),
            "accuracy": float((size * right).sum() / size.sum()),
            "macro_f1": float((2 * size * right / (size + named)).mean()),
        }


def table(name: str) -> Floats:
    """Return the (C, S) counts of a test part, `cs` or `cv`."""
    with (TABLES / f"smarthome_{name}_counts.csv").open(newline="") as lines:
        return np.array([[float(count) for count in row[1:]] for row in list(csv.reader(lines))[1:]])


def worlds(name: str) -> Iterator[tuple[str, World]]:
    """Yield the name of each level of accuracy, with each strength of effects."""
    clips = table(name)
    classes = len(clips)
    habits = np.random.default_rng(6).dirichlet(np.full(classes, 0.3), size=classes)
    np.fill_diagonal(habits, 0.0)
    habits /= habits.sum(1, keepdims=True)
    for level, (mean, deviation) in LEVELS.items():
        odds = mean + deviation * np.random.default_rng(5).standard_normal(classes)
        for effects in EFFECTS:
            yield level, World(clips, odds, habits, effects)


def draw(world: World, replicates: int, rng: np.random.Generator) -> Floats:
    """Return answers (R, C, S, C): of the clips of class c and subject s, how many were named as class d."""
    classes = len(world.clips)
    clips = world.clips.astype(np.int64)
    right = rng.binomial(clips, expit(world.odds[:, None] + _effects(world, replicates, rng)))
    answers = rng.multinomial(clips - right, world.confusion[:, None, :])
    answers[:, np.arange(classes), :, np.arange(classes)] += right.swapaxes(0, 1)
    return answers.astype(np.float64)


def draw_two(world: World, shift: float, replicates: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return how often only the first and only the second of two methods is right, each (R, C, S).

    The second's log-odds are higher by `shift`; the effects of both are correlated by `ALIKE`.
    """
    common, first, second = (_effects(world, replicates, rng) for _ in range(3))
    mixed = [ALIKE**0.5 * common + (1 - ALIKE) ** 0.5 * own for own in (first, second)]
    p_first, p_second = expit(world.odds[:, None] + mixed[0]), expit(world.odds[:, None] + shift + mixed[1])
    clips = world.clips.astype(np.int64)
    right = rng.binomial(clips, p_first)
    only_first = rng.binomial(right, 1 - p_second)
    only_second = rng.binomial(clips - right, p_second)
    return only_first.astype(np.float64), only_second.astype(np.float64)


def _effects(world: World, replicates: int, rng: np.random.Generator) -> Floats:
    classes, subjects = world.clips.shape
    of_subject = world.effects[0] * rng.standard_normal((replicates, 1, subjects))
    return of_subject + world.effects[1] * rng.standard_normal((replicates, classes, subjects))
