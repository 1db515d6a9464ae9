import numpy as np
import pytest

from stages.stats.design import Cells, Design
from stages.stats.spread import MANY, effective_clips, pooled_icc, spread


def cells(right: np.ndarray, clips: np.ndarray) -> Cells:
    """Cells of right answers, (C, S) of (C, S) clips."""
    return Cells(clips.astype(float), right.astype(float), right.sum(1).astype(float))


def test_one_class_and_equal_subjects_is_students_variance_of_the_mean() -> None:
    clips, right = np.full((1, 6), 10), np.array([[3, 5, 6, 9, 4, 7]])
    found = spread(cells(right, clips), np.ones(1))
    assert found.variance == pytest.approx(np.var(right / 10, ddof=1) / 6)
    assert found.freedom == pytest.approx(5)


def test_is_unbiased_on_a_real_table_where_the_robust_variance_is_not() -> None:
    from bench.coverage import aggregates
    from bench.worlds import draw, worlds

    world = next(world for level, world in worlds("cs") if level == "wide" and world.effects == (0.5, 1.0))
    value, of_clips, weights = aggregates(world.clips, draw(world, 1200, np.random.default_rng(0)))["mca"]
    variance, freedom = spread(of_clips, weights)
    assert np.mean(variance) == pytest.approx(np.var(value), rel=0.1)
    assert 3 < np.mean(freedom) < 6  # 7 subjects


def test_leading_axes_are_replicates() -> None:
    rng = np.random.default_rng(1)
    clips = rng.integers(0, 9, (5, 7)) + 1
    right = rng.binomial(clips, 0.4, (3, 5, 7))
    weights = np.full(5, 0.2)
    together = spread(Cells(clips.astype(float), right.astype(float), right.sum(-1).astype(float)), weights)
    for index in range(3):
        alone = spread(cells(right[index], clips), weights)
        assert alone.variance == pytest.approx(together.variance[index])
        assert alone.freedom == pytest.approx(together.freedom[index])


def test_nothing_to_tell_is_nan() -> None:
    same = spread(cells(np.array([[3, 4], [0, 0]]), np.array([[3, 4], [2, 2]])), np.full(2, 0.5))
    lone = spread(cells(np.array([[2, 0], [0, 1]]), np.array([[3, 0], [0, 4]])), np.full(2, 0.5))
    assert np.isnan(same.variance)
    assert np.isnan(lone.variance)


def test_many_subjects_agree_with_the_working_model() -> None:
    rng = np.random.default_rng(2)
    for subjects in (MANY, MANY + 1):
        design = Design.of([str(index % 3) for index in range(subjects)], [str(index) for index in range(subjects)])
        variance = spread(design.cells((rng.random(subjects) < 0.5).astype(float)), np.full(3, 1 / 3)).variance
        assert variance == pytest.approx(0.25 / subjects, rel=0.1)


def test_each_clip_its_own_cluster_at_full_size_needs_little_memory() -> None:
    rng = np.random.default_rng(3)
    design = Design.of([str(index) for index in rng.integers(0, 31, 16_000)], [str(index) for index in range(16_000)])
    assert np.isfinite(spread(design.cells(rng.random(16_000)), np.full(31, 1 / 31)).variance)


def test_icc_of_clips_that_agree_within_subjects_is_1_and_of_independent_ones_0() -> None:
    clips = np.full((4, 30), 8)
    rng = np.random.default_rng(4)
    assert pooled_icc(cells(clips * (rng.random((4, 30)) < 0.5), clips)) == pytest.approx(1, abs=0.02)
    assert pooled_icc(cells(rng.binomial(clips, 0.5), clips)) == pytest.approx(0, abs=0.03)
    assert np.isnan(pooled_icc(cells(clips, clips)))


def test_effective_clips_lie_between_subjects_and_clips() -> None:
    clips = np.full((1, 5), 8.0)
    assert effective_clips(clips, np.ones(1), 0.0) == pytest.approx(40)
    assert effective_clips(clips, np.ones(1), 1.0) == pytest.approx(5)
