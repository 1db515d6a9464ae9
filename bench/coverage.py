"""How often nominal 95 % intervals hold the truth, on the real class-by-subject tables of Toyota Smarthome's tests.

    python -m bench.coverage [replicates] [--own]

`bench/worlds.py` says what is simulated. Shown are the intervals of `stages.stats` and, beside them, the plain
percentile bootstrap over subjects, which is too short and may lose classes; then, ours only, the difference of two
methods in mean class accuracy (equally good: 100 minus it is how often they are called different) and the mean over
the per-class intervals. `--own` leaves out the bootstrap, which takes most of the time.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np

from bench.worlds import World, draw, draw_two, worlds
from stages.stats.design import Cells, Floats
from stages.stats.intervals import Level, aggregate, difference, wilson
from stages.stats.spread import effective_clips, pooled_icc, spread

CONFIDENCE = 0.95
LEVEL = Level(CONFIDENCE, assumed_icc=0.1)
CHUNK = 250
RESAMPLED = 50
"""Of each chunk of replicates, how many the bootstrap, which is slow, sees."""


class Coverage(NamedTuple):
    """Share of intervals that hold the truth, and their mean width."""

    held: float
    width: float


def aggregates(clips: Floats, answers: Floats) -> dict[str, tuple[Floats, Cells, Floats]]:
    """Return for each aggregate its value (R,), its quantity's cells and its weights (C,)."""
    size, classes = clips.sum(1), len(clips)
    right = np.einsum("rcsc->rcs", answers)
    cells = Cells(clips, right, right.sum(-1))
    recall, share = right.sum(-1) / size, size / size.sum()
    value, influence = _f1(answers.sum(2), size)
    square = np.einsum("rcd,rcd->rc", answers.sum(2), influence**2)
    f1_cells = Cells(clips, np.einsum("rcsd,rcd->rcs", answers, influence), square)
    return {
        "mca": (recall.mean(-1), cells, np.full(classes, 1 / classes)),
        "accuracy": (recall @ share, cells, share),
        "macro_f1": (value, f1_cells, np.ones(classes)),
    }


def _f1(named: Floats, size: Floats) -> tuple[Floats, Floats]:
    # named (R, C, C); the influence values of stages.stats.macro_f1, from counts instead of clips.
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


def coverage(world: World, replicates: int, seed: int, resample: bool = False) -> dict[str, Coverage]:
    """Return the coverage of each aggregate, and as "bootstrap {name}" that of the plain bootstrap."""
    rng, other = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    truth = world.truth()
    bounds: dict[str, list[Floats]] = {}
    for start in range(0, replicates, CHUNK):
        answers = draw(world, min(CHUNK, replicates - start), rng)
        alike = np.full(len(world.clips), 1 / len(world.clips))
        for name, (value, cells, weights) in aggregates(world.clips, answers).items():
            bounds.setdefault(name, []).append(np.array(aggregate(value, cells, weights, alike, LEVEL)))
        for name, pair in bootstrap(world.clips, answers[:RESAMPLED], other).items() if resample else ():
            bounds.setdefault(f"bootstrap {name}", []).append(pair)
    return {name: held(np.hstack(pairs), truth[name.split()[-1]]) for name, pairs in bounds.items()}


def held(bounds: Floats, truth: float | Floats) -> Coverage:
    """Return how many of (2, ...) bounds hold the truth."""
    inside = (bounds[0] <= truth) & (truth <= bounds[1])
    return Coverage(float(inside.mean()), float((bounds[1] - bounds[0]).mean()))


def of_difference(world: World, shift: float, replicates: int, seed: int) -> Coverage:
    """Return the coverage of the difference in mean class accuracy of two methods."""
    only_first, only_second = draw_two(world, shift, replicates, np.random.default_rng(seed))
    cells = Cells(world.clips, only_second - only_first, (only_first + only_second).sum(-1))
    weights = np.full(len(world.clips), 1 / len(world.clips))
    value = (cells.total.sum(-1) / world.clips.sum(1)) @ weights
    truth = world._replace(odds=world.odds + shift).truth()["mca"] - world.truth()["mca"]
    found = zip(value, *spread(cells, weights), strict=True)
    return held(np.array([difference(*one, CONFIDENCE) for one in found]).T, truth)


def of_classes(world: World, replicates: int, seed: int) -> tuple[Coverage, float]:
    """Return the coverage of the per-class intervals, over all classes, and the mean intraclass correlation."""
    right = np.einsum("rcsc->rcs", draw(world, replicates, np.random.default_rng(seed)))
    icc = np.nan_to_num(pooled_icc(Cells(world.clips, right, right.sum(-1))))
    one = np.ones(1)
    effective = np.array([[effective_clips(row[None], one, float(value)) for row in world.clips] for value in icc])
    bounds = wilson(right.sum(-1) / world.clips.sum(1), effective, np.inf, CONFIDENCE)
    return held(np.array(bounds), world.right), float(icc.mean())


def main() -> None:
    """Print the coverage table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("replicates", type=int, nargs="?", default=2000)
    arguments.add_argument("--own", action="store_true", help="leave out the bootstrap")
    given = arguments.parse_args()
    replicates: int = given.replicates
    print(
        f"coverage in percent and (mean width), {replicates} replicates, standard error "
        f"{100 * (0.95 * 0.05 / replicates) ** 0.5:.1f}; boot: plain bootstrap"
    )
    print(
        "sd: of the subject's and of the subject-by-class effect, in log-odds; icc: of two clips of subject and class"
    )
    seen: dict[str, list[float]] = {}
    for name in ("cs", "cv"):
        for level, world in worlds(name):
            found = coverage(world, replicates, seed=1, resample=not given.own)
            found["difference"] = of_difference(world, 0.0, replicates, seed=2)
            found["classes"], icc = of_classes(world, replicates // 10, seed=3)
            cells = [f"{name} {level:4} sd {world.effects[0]} {world.effects[1]} icc {icc:.2f}"]
            for key, value in found.items():
                seen.setdefault(key, []).append(100 * value.held)
                cells.append(f"{key.replace('bootstrap', 'boot')} {100 * value.held:5.1f} ({value.width:.3f})")
            print(" | ".join(cells), flush=True)
    for key, values in seen.items():
        print(f"{key}: {min(values):.1f} to {max(values):.1f}, mean {np.mean(values):.1f}")


if __name__ == "__main__":
    main()
