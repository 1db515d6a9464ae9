"""Intervals with seeds, against the formulas written out once more, and how often they hold in simulated trainings."""

import numpy as np
import pytest
from scipy import stats

from bench.coverage_seeds import simulated, worlds
from stages.stats import intervals
from stages.stats.design import Design
from stages.stats.intervals import Level
from stages.stats.seeds import Seeds, added, aggregate, contrast, shared
from stages.stats.spread import Spread, spread

LEVEL = Level(0.95, assumed_icc=0.1)
EVEN = np.full(3, 1 / 3)
VALUES = [0.62, 0.66, 0.59, 0.70, 0.61]
REPLICATES = 500
#: Two standard errors beyond 92 and 98 %.
LEAST, MOST = 0.92 - 2 * (0.92 * 0.08 / REPLICATES) ** 0.5, 0.98 + 2 * (0.98 * 0.02 / REPLICATES) ** 0.5


def cells(right: np.ndarray):
    place = np.arange(len(right))
    return Design.of([str(index % 3) for index in place], [str(index // 3 % 5) for index in place]).cells(right)


def verdicts() -> np.ndarray:
    return (np.random.default_rng(0).random(90) < 0.65).astype(float)


def test_a_rows_interval_is_the_formula() -> None:
    of_runs = cells(verdicts())
    variance, freedom = (float(number) for number in spread(of_runs, EVEN))
    mean, square = sum(VALUES) / 5, float(np.var(VALUES, ddof=1))
    own, drawn = variance, (square - 0.0004) / 5
    total = own + drawn
    t = stats.t.ppf(0.975, total**2 / (own**2 / freedom + drawn**2 / 4))
    clips = mean * (1 - mean) / total
    centre = (mean + t**2 / (2 * clips)) / (1 + t**2 / clips)
    half = t / (1 + t**2 / clips) * np.sqrt(mean * (1 - mean) / clips + t**2 / (4 * clips**2))
    low, high = aggregate(of_runs, EVEN, EVEN, Seeds.of(VALUES, 0.0004), LEVEL)
    assert (float(low), float(high)) == pytest.approx((centre - half, centre + half), rel=1e-12)


def test_a_differences_interval_is_the_formula() -> None:
    clusters = Spread(np.asarray(0.0016), np.asarray(4.5))
    # What the second side's runs share is more than all that its values vary by: the seed itself adds nothing.
    one, other = Seeds.of(VALUES, 0.0001), Seeds.of([0.5, 0.52, 0.45], 0.9)
    parts = [0.0016, (np.var(VALUES, ddof=1) - 0.0001) / 5, 0.0]
    freedom = sum(parts) ** 2 / sum(part**2 / df for part, df in zip(parts, (4.5, 4, 2), strict=True))
    value, error = 0.12, np.sqrt(sum(parts))
    found = contrast(value, clusters, [one, other], 0.95)
    t = stats.t(freedom)
    expected = (value + error * t.ppf(0.025), value + error * t.ppf(0.975), 2 * t.sf(value / error))
    assert tuple(found) == pytest.approx(expected, rel=1e-9)


def test_what_is_shared_is_the_variance_of_departures() -> None:
    """Chance of a clip and a training alone: each run's value varies by it, and the means of k runs hold a k-th."""
    rng = np.random.default_rng(3)
    found, expected = [], 0.6 * 0.4 / 90
    for _ in range(300):
        runs = (rng.random((4, 90)) < 0.6).astype(float)
        found.append(float(shared([cells(run - runs.mean(0)) for run in runs], EVEN)))
    assert np.mean(found) == pytest.approx(expected, rel=0.1)
    assert float(shared([cells(np.zeros(90))], EVEN)) == 0


def test_seeds_that_agree_add_nothing() -> None:
    right = verdicts()
    value = float(np.mean([right[index::3].mean() for index in range(3)]))
    alone = intervals.aggregate(value, cells(right), EVEN, EVEN, LEVEL)
    assert np.allclose(aggregate(cells(right), EVEN, EVEN, Seeds.of([value] * 5), LEVEL), alone, rtol=1e-12)
    clusters = Spread(np.asarray(0.002), np.asarray(5.0))
    assert np.allclose(added(clusters, [Seeds.of([0.4] * 3)]), clusters)


def test_one_training_tells_nothing_of_seeds() -> None:
    assert np.isnan(aggregate(cells(verdicts()), EVEN, EVEN, Seeds.of([0.6]), LEVEL)).all()
    assert tuple(contrast(0.1, Spread(np.asarray(0.002), np.asarray(5.0)), [Seeds.of([0.6])], 0.95)) == (None,) * 3


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_a_shipped_run_without_variance_takes_the_assumed_one(right: float) -> None:
    of_run = cells(np.full(90, right))
    alone = intervals.aggregate(right, of_run, EVEN, EVEN, LEVEL)
    assert np.allclose(aggregate(of_run, EVEN, EVEN, Seeds.of([right] * 5), LEVEL), alone)
    other = aggregate(of_run, EVEN, EVEN, Seeds.of([right, abs(right - 0.1), right]), LEVEL)
    assert 0 <= other.low < abs(right - 0.1 / 3) < other.high <= 1


def test_the_same_answers_of_the_shipped_runs_leave_what_the_seeds_say() -> None:
    none = Spread(np.asarray(0.0), np.asarray(1.0))
    found = contrast(0.05, none, [Seeds.of([0.5, 0.6, 0.7])], 0.95)
    assert found.high == pytest.approx(0.05 + stats.t.ppf(0.975, 2) * 0.1 / 3**0.5)
    assert tuple(contrast(0.0, none, [Seeds.of([0.5, 0.5])], 0.95)) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize(("name", "kind", "world"), [pytest.param(*one, id="-".join(one[:2])) for one in worlds()])
def test_intervals_with_seeds_cover(name, kind, world) -> None:
    found = simulated(world, REPLICATES, seed=7)
    for key in ("row 3", "row 5", "pair 3", "pair 5"):
        assert LEAST <= found[key].held <= MOST, (name, kind, key, found)
    if kind == "much":
        assert found["row"].held < 0.8
        assert found["pair"].held < 0.8
