"""How often nominal 95 % intervals hold the truth, on the real class-by-subject tables of Toyota Smarthome's tests.

    python -m bench.coverage [replicates]

Each replicate draws new subjects: logit P(right) = class + subject effect + subject-by-class effect, and a wrong answer
names another class by the class's own habit of confusion. The truth is the mean over all subjects that could have
been drawn. `ours` is `stages.stats`, `bootstrap` the percentile bootstrap over subjects, which may lose classes.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from stages.stats.design import Cells, Floats
from stages.stats.intervals import fraction
from stages.stats.spread import pooled_icc, spread

TABLES = Path(__file__).parents[1] / "tests" / "stats"
CONFIDENCE = 0.95
AGGREGATES = ("mca", "accuracy", "macro_f1")

#: Mean and standard deviation of the classes' log-odds: a keyword-like metric, one hardly ever met, one mostly met.
LEVELS = {"wide": (0.3, 2.0), "low": (-2.5, 1.2), "high": (2.0, 1.0)}
#: Standard deviation, in log-odds, of the subject's and of the subject-by-class effect.
EFFECTS = ((0.0, 0.0), (0.3, 0.3), (0.5, 1.0), (0.0, 1.0), (1.0, 0.5), (1.0, 1.0))


class World(NamedTuple):
    """What a simulation draws from, and what is true in it."""

    clips: Floats
    """(C, S)."""
    odds: Floats
    """(C,): log-odds of being right in each class."""
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
    """Yield each level of accuracy with each strength of effects."""
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
    classes, subjects = world.clips.shape
    subject = world.effects[0] * rng.standard_normal((replicates, 1, subjects))
    cell = world.effects[1] * rng.standard_normal((replicates, classes, subjects))
    clips = world.clips.astype(np.int64)
    right = rng.binomial(clips, expit(world.odds[:, None] + subject + cell))
    answers = rng.multinomial(clips - right, world.confusion[:, None, :])
    answers[:, np.arange(classes), :, np.arange(classes)] += right.swapaxes(0, 1)
    return answers.astype(np.float64)


def aggregates(clips: Floats, answers: Floats) -> dict[str, tuple[Floats, Cells, Floats]]:
    """Return for each aggregate its value (R,), its quantity's cells and its weights (C,)."""
    size, classes = clips.sum(1), len(clips)
    right = np.einsum("rcsc->rcs", answers)
    cells = Cells(clips, right, right.sum(-1))
    recall = right.sum(-1) / size
    value, influence = _f1(answers.sum(2), size)
    answer_square = np.einsum("rcd,rcd->rc", answers.sum(2), influence**2)
    f1_cells = Cells(clips, np.einsum("rcsd,rcd->rcs", answers, influence), answer_square)
    share = size / size.sum()
    return {
        "mca": (recall.mean(-1), cells, np.full(classes, 1 / classes)),
        "accuracy": (recall @ share, cells, share),
        "macro_f1": (value, f1_cells, np.ones(classes)),
    }


def _f1(named: Floats, size: Floats) -> tuple[Floats, Floats]:
    # named (R, C, C); the same influence values as stages.score.aggregate, from counts instead of clips.
    classes = len(size)
    both = size + named.sum(1)
    f1 = 2 * np.einsum("rcc->rc", named) / both
    influence = -(f1 / both)[:, :, None] - (f1 / both)[:, None, :]
    influence[:, np.arange(classes), np.arange(classes)] += 2 / both
    return f1.mean(-1), influence * size[:, None] / classes


def bootstrap(clips: Floats, answers: Floats, rng: np.random.Generator, draws: int = 200) -> dict[str, Floats]:
    """Return (2, R) percentile bounds of each aggregate from subjects drawn with replacement.

    A class that no drawn subject recorded is lost from that draw's mean, as a plain bootstrap has it.
    """
    subjects = clips.shape[1]
    times = rng.multinomial(subjects, np.full(subjects, 1 / subjects), size=draws).astype(np.float64)  # (B, S)
    size = times @ clips.T  # (B, C)
    kept = size > 0
    named = np.einsum("bs,rcsd->rbcd", times, answers, optimize=True)
    right = np.einsum("rbcc->rbc", named)
    both = size + named.sum(2)
    f1 = np.divide(2 * right, both, out=np.zeros_like(right), where=both > 0)
    recall = np.divide(right, size, out=np.zeros_like(right), where=kept)
    values = {
        "mca": recall.sum(-1) / kept.sum(-1),
        "accuracy": right.sum(-1) / size.sum(-1),
        "macro_f1": (f1 * kept).sum(-1) / kept.sum(-1),
    }
    tail = (1 - CONFIDENCE) / 2
    return {name: np.quantile(value, [tail, 1 - tail], axis=1) for name, value in values.items()}


class Coverage(NamedTuple):
    """Share of replicates whose interval holds the truth, and the mean width."""

    held: float
    width: float


def coverage(world: World, replicates: int, seed: int, resample: int = 0) -> dict[str, dict[str, Coverage]]:
    """Return aggregate -> {"ours": ..., "bootstrap": ...}; the bootstrap sees the first `resample` replicates."""
    rng = np.random.default_rng(seed)
    truth = world.truth()
    bounds: dict[str, dict[str, list[Floats]]] = {name: {"ours": [], "bootstrap": []} for name in AGGREGATES}
    for start in range(0, replicates, 250):
        answers = draw(world, min(250, replicates - start), rng)
        for name, (value, cells, weights) in aggregates(world.clips, answers).items():
            bounds[name]["ours"].append(np.array(fraction(value, *spread(cells, weights), CONFIDENCE)))
        if start < resample:
            few = answers[: min(50, resample - start)]
            for name, pair in bootstrap(world.clips, few, rng).items():
                bounds[name]["bootstrap"].append(pair)
    return {name: {how: _held(np.hstack(pairs), truth[name]) for how, pairs in of.items() if pairs}
            for name, of in bounds.items()}  # fmt: skip


def _held(bounds: Floats, truth: float) -> Coverage:
    held = (bounds[0] <= truth) & (truth <= bounds[1])
    return Coverage(float(held.mean()), float((bounds[1] - bounds[0]).mean()))


def icc(world: World) -> float:
    """Return the intraclass correlation that such answers show."""
    answers = draw(world, 100, np.random.default_rng(0))
    right = np.einsum("rcsc->rcs", answers)
    return float(pooled_icc(Cells(world.clips, right, right.sum(-1))).mean())


def main() -> None:
    """Print the coverage table."""
    replicates = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    seen: dict[str, list[float]] = {"ours": [], "bootstrap": []}
    print(f"{replicates} replicates a line (standard error {100 * (0.95 * 0.05 / replicates) ** 0.5:.1f}), in percent")
    print("table level sd(subject) sd(subject x class)  icc | aggregate: ours (width), plain bootstrap (width)")
    for name in ("cs", "cv"):
        for level, world in worlds(name):
            found = coverage(world, replicates, seed=1, resample=replicates // 5)
            line = f"{name:5} {level:5} {world.effects[0]:11} {world.effects[1]:19}  {icc(world):.2f}"
            for aggregate, by in found.items():
                ours, plain = by["ours"], by["bootstrap"]
                line += f" | {aggregate} {100 * ours.held:5.1f} ({ours.width:.3f})"
                line += f" {100 * plain.held:5.1f} ({plain.width:.3f})"
                seen["ours"].append(ours.held)
                seen["bootstrap"].append(plain.held)
            print(line, flush=True)
    for how, values in seen.items():
        print(f"{how}: {100 * min(values):.1f} to {100 * max(values):.1f}, mean {100 * np.mean(values):.1f}")


if __name__ == "__main__":
    main()
