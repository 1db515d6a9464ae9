import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from stages.stats.design import Design
from stages.stats.intervals import Level, aggregate, difference, p_value, wilson
from stages.stats.spread import spread


def test_wilson_with_endless_degrees_of_freedom_is_scipys() -> None:
    found = wilson(7 / 20, 20, np.inf, 0.95)
    expected = binomtest(7, 20).proportion_ci(0.95, method="wilson")
    assert found == pytest.approx((expected.low, expected.high))


def test_difference_is_students_for_equal_subjects_of_one_class() -> None:
    rng = np.random.default_rng(0)
    gaps = rng.integers(-1, 2, (6, 10)).astype(float)
    design = Design.of(["a"] * 60, [str(index // 10) for index in range(60)])
    variance, freedom = (float(value) for value in spread(design.cells(gaps.ravel()), np.ones(1)))
    expected = ttest_1samp(gaps.mean(1), 0)
    assert p_value(float(gaps.mean()), variance, freedom) == pytest.approx(expected.pvalue)
    low, high = difference(float(gaps.mean()), variance, freedom, 0.95)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_all_right_is_no_certainty_and_more_clips_are_more_certain() -> None:
    lows = []
    for clips in (1, 10):
        design = Design.of(list("ab") * 9 * clips, [str(index // 2 % 9) for index in range(18 * clips)])
        bounds = aggregate(1.0, design.cells(np.ones(18 * clips)), np.full(2, 0.5), np.full(2, 0.5), Level(0.95, 0.1))
        assert bounds.high == 1
        lows.append(float(bounds.low))
    assert 0.5 < lows[0] < lows[1] < 1
