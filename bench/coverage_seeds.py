"""How often nominal 95 % intervals hold a learnt method's true value, over new subjects and new seeds.

    python -m bench.coverage_seeds [replicates]

`bench/seed_worlds.py` says what is simulated: subjects, clips, seeds and what they share, on the tables of the embedded
benchmark (7 subjects, MCA) and of the resuscitation table (8 recordings, macro-F1). Shown are, each with its mean
width, the interval of the shipped run alone and those with 3 and with 5 seeds, of a row's value and of the difference
of two rows that learn and are equally good (100 minus it is how often they are called different).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from bench.coverage import CONFIDENCE, LEVEL, Coverage, held
from bench.seed_worlds import Effects, World, home, mixed, recordings, tested, trained
from stages.stats import intervals, seeds
from stages.stats.design import Cells, Floats, Mask
from stages.stats.seeds import Seeds
from stages.stats.spread import Spread, spread

CHUNK = 250
#: Correlation of two methods' effects of subjects and clips.
ALIKE = 0.7

#: Subject, subject by class, clip; seed, seed by class, seed by subject: seeds that hardly matter, that matter
#: overall, class by class and subject by subject, and all at once.
EFFECTS = {
    "hardly": Effects(0.4, 0.5, 2.5, 0.0, 0.2, 0.0),
    "overall": Effects(0.4, 0.5, 2.5, 0.3, 0.0, 0.0),
    "much": Effects(0.4, 0.5, 1.5, 0.5, 0.3, 0.1),
    "classes": Effects(0.4, 0.5, 2.0, 0.1, 0.8, 0.0),
    "shared": Effects(0.4, 0.5, 2.0, 0.1, 0.3, 0.3),
    "subjects": Effects(0.9, 0.5, 2.0, 0.2, 0.3, 0.2),
}


#: Numbers of trainings.
K = (3, 5)


class Answered(NamedTuple):
    """What R replicates of one training gave."""

    value: Floats
    """(R,): MCA, or macro-F1 where clips have several labels."""
    quantity: Floats
    """(R, M): what each of M clips adds, whose weighted class means make up the value's deviation."""


def answered(world: World, right: Mask) -> Answered:
    """Return the number that answers (R, N) get."""
    of = np.eye(len(world.design.classes))[world.design.of_class]  # (N, C)
    if world.actual is None:
        quantity = right.astype(np.float64)
        return Answered((quantity @ of / of.sum(0)).mean(-1), quantity)
    # As in `stages.stats.label_sets.f1`, whose influence values are summed here over a window's labels.
    named, actual = right == world.actual, world.actual.astype(np.float64)
    hit = (named & world.actual).astype(np.float64)
    both = np.maximum((actual + named) @ of, 1)
    f1 = 2 * (hit @ of) / both
    influence = (2 * hit - (f1 @ of.T) * (actual + named)) / (both @ of.T)
    windows, classes = int(world.clip.max()) + 1, of.shape[1]
    return Answered(f1.mean(-1), influence.reshape(len(right), windows, classes).mean(-1) * windows)


def cells(world: World, quantity: Floats) -> Cells:
    """Return the sums of a quantity (R, M) over the clips of each class and subject."""
    design = world.design if world.actual is None else world.windows
    shape = (len(design.classes), len(design.subjects))
    one = np.eye(shape[0] * shape[1])[design.of_class * shape[1] + design.of_subject]
    return Cells(
        one.sum(0).reshape(shape), (quantity @ one).reshape(-1, *shape), quantity**2 @ np.eye(shape[0])[design.of_class]
    )


def simulated(world: World, replicates: int, seed: int) -> dict[str, Coverage]:
    """Return the coverage of "row" and "pair", by the shipped run alone and, as "row 3" and so on, with k seeds.

    "sd" holds the true value, and as width the mean standard deviation over seeds.
    """
    rng = np.random.default_rng(seed)
    truth = world.truth(rng)
    bounds: dict[str, list[Floats]] = {}
    deviations = []
    for _ in range(0, replicates, CHUNK):
        subjects = tested(world, CHUNK, rng)
        others = mixed(subjects, tested(world, CHUNK, rng), ALIKE)
        one, other = ([answered(world, run) for run in trained(world, who, max(K), rng)] for who in (subjects, others))
        mine, its = (np.array([run.value for run in runs]) for runs in (one, other))
        mine_said, its_said = (np.array([run.quantity for run in runs]) for runs in (one, other))
        of_row, of_pair = cells(world, mine_said[0]), cells(world, mine_said[0] - its_said[0])
        even = np.full(len(of_row.clips), 1 / len(of_row.clips))
        deviations.append(mine.std(0, ddof=1))
        found = {"row": np.array(intervals.aggregate(mine[0], of_row, even, even, LEVEL))}
        found["pair"] = student(mine[0] - its[0], spread(of_pair, even))
        for k in K:
            a, b = (
                Seeds.of(values[:k], seeds.shared([cells(world, run - said[:k].mean(0)) for run in said[:k]], even))
                for values, said in ((mine, mine_said), (its, its_said))
            )
            mean = mine_said[:k].mean(0)
            found[f"row {k}"] = np.array(seeds.aggregate(cells(world, mean), even, even, a, LEVEL))
            clusters = spread(cells(world, mean - its_said[:k].mean(0)), even)
            found[f"pair {k}"] = student(a.mean - b.mean, seeds.added(clusters, [a, b]))
        for name, pair in found.items():
            bounds.setdefault(name, []).append(pair)
    held_by = {name: held(np.hstack(pairs), 0.0 if "pair" in name else truth) for name, pairs in bounds.items()}
    return held_by | {"sd": Coverage(truth, float(np.mean(deviations)))}


def worlds() -> Iterator[tuple[str, str, World]]:
    """Yield table, kind of effects and world."""
    for name, make in (("home", home), ("recordings", recordings)):
        for kind, effects in EFFECTS.items():
            yield name, kind, make(2.0, effects)


def student(value: Floats, found: Spread) -> Floats:
    """Return (2, R) bounds of differences."""
    half = stdtrit(found.freedom, (1 + CONFIDENCE) / 2) * np.sqrt(found.variance)
    return np.array([value - half, value + half])


def main() -> None:
    """Print a line a world."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("replicates", type=int, nargs="?", default=2000)
    replicates: int = arguments.parse_args().replicates
    print(f"coverage in percent and (mean width), {replicates} replicates; row, pair: by the shipped run alone")
    seen: dict[str, list[float]] = {}
    for name, kind, world in worlds():
        found = simulated(world, replicates, seed=1)
        line = [f"{name:10} {kind:8} sd {found['sd'].width:.3f}"]
        for key, value in found.items():
            if key != "sd":
                seen.setdefault(key, []).append(100 * value.held)
                line.append(f"{key} {100 * value.held:5.1f} ({value.width:.3f})")
        print(" | ".join(line), flush=True)
    for key, values in seen.items():
        print(f"{key}: {min(values):.1f} to {max(values):.1f}, mean {np.mean(values):.1f}")


if __name__ == "__main__":
    main()
