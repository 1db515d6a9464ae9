"""The intervals hold what they promise on real tables; `python -m bench.coverage` shows it for more replicates."""

import pytest

from bench.coverage import coverage, of_classes, of_difference
from bench.worlds import World, worlds

REPLICATES = 500
#: Two standard errors beyond 92 and 98 %: what a coverage right at the bound may show in so few replicates.
LEAST, MOST = 0.92 - 2 * (0.92 * 0.08 / REPLICATES) ** 0.5, 0.98 + 2 * (0.98 * 0.02 / REPLICATES) ** 0.5

WORLDS = [
    pytest.param(world, id=f"{name}-{level}-{world.effects[0]}-{world.effects[1]}")
    for name in ("cs", "cv")
    for level, world in worlds(name)
    if world.effects in ((0.0, 0.0), (0.5, 1.0), (1.0, 0.5))
]


@pytest.mark.parametrize("world", WORLDS)
def test_intervals_cover(world: World) -> None:
    for name, found in coverage(world, REPLICATES, seed=7).items():
        assert LEAST <= found.held <= MOST, (name, found)
    assert LEAST <= of_difference(world, 0.0, REPLICATES, seed=8).held <= MOST


def test_classes_are_covered_on_average() -> None:
    world = next(world for level, world in worlds("cs") if level == "wide" and world.effects == (0.5, 1.0))
    found, _ = of_classes(world, 50, seed=9)
    assert 0.92 <= found.held <= 0.98


def test_plain_bootstrap_would_not_cover() -> None:
    world = next(world for level, world in worlds("cs") if level == "wide" and world.effects == (0.5, 1.0))
    assert coverage(world, 250, seed=10, resample=True)["bootstrap mca"].held < 0.92
