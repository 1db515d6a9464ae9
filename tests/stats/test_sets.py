import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from stages.stats import label_sets as sets
from stages.stats.intervals import Level
from stages.stats.label_sets import Numbers

# How long an example takes depends on the machine.
unhurried = settings(deadline=None, max_examples=60)

LEVEL = Level(0.95, 0.1)
SKLEARN = {sets.f1: f1_score, sets.precision: precision_score, sets.recall: recall_score}

clip = st.tuples(st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 4), st.integers(0, 4))
clips = st.lists(clip, min_size=1, max_size=40).map(lambda rows: np.array(rows, float))


@unhurried
@given(clips)
def test_numbers_are_scikit_learns(rows) -> None:  # type: ignore[no-untyped-def]
    actual, named, scores = rows[:, :2] > 0, rows[:, 2:4] > 0, rows[:, 4:]
    for ours, theirs in SKLEARN.items():
        found = ours(actual, named)
        assert np.allclose(found.value, theirs(actual, named, average=None, zero_division=0))
        assert np.allclose(found.influence.sum(0), 0)
    found = sets.average_precision(actual, scores)
    for c in range(2):
        expected = average_precision_score(actual[:, c], scores[:, c]) if actual[:, c].any() else 0.0
        assert np.isclose(found.value[c], expected)
    assert np.allclose(found.influence.sum(0), 0)


def test_influence_is_the_derivative_by_a_clips_weight() -> None:
    rng = np.random.default_rng(0)
    actual = rng.random((60, 3)) < [0.5, 0.2, 0.9]
    scores = (actual + rng.normal(size=(60, 3))).round(1)  # with ties
    named = scores > 0.5
    step = 1e-6
    found = {ours: ours(actual, named) for ours in SKLEARN} | {None: sets.average_precision(actual, scores)}
    for clip in range(0, 60, 7):
        weight = np.ones(60)
        weight[clip] += step
        for ours, number in found.items():
            if ours is None:
                moved = average_precision_score(actual, scores, average=None, sample_weight=weight)
            else:
                moved = SKLEARN[ours](actual, named, average=None, sample_weight=weight, zero_division=0)
            assert np.allclose((moved - number.value) / step, number.influence[clip], atol=1e-4)


def test_unscored_clips_rank_last() -> None:
    actual = np.array([[True], [False], [True]])
    scores = np.array([[0.9], [0.1], [-np.inf]])
    assert np.isclose(sets.average_precision(actual, scores).value[0], (1 + 2 / 3) / 2)


@unhurried
@given(clips, st.lists(st.sampled_from("abc"), min_size=40, max_size=40))
def test_intervals_hold_the_estimate_and_need_two_clusters(rows, subjects) -> None:  # type: ignore[no-untyped-def]
    actual, named = rows[:, :2] > 0, rows[:, 2:4] > 0
    subjects = subjects[: len(rows)]
    number = sets.f1(actual, named)
    bounds = sets.interval(number, subjects, LEVEL)
    if len(set(subjects)) == 1:
        assert np.isnan(bounds.low).all()
    else:
        assert (bounds.low >= 0).all()
        assert (bounds.low <= number.value).all()
        assert (number.value <= bounds.high).all()
        assert (bounds.high <= 1).all()


@unhurried
@given(clips, st.lists(st.sampled_from("abcd"), min_size=40, max_size=40))
def test_a_difference_turns_round_with_its_sides(rows, subjects) -> None:  # type: ignore[no-untyped-def]
    actual, one, other = rows[:, :2] > 0, rows[:, 2:4] > 0, rows[:, 4:] > 2
    every = np.ones(2, np.bool_)
    first, second = (sets.f1(actual, named).mean(every) for named in (one, other))
    there, back = (sets.compared(*pair, subjects[: len(rows)], 0.95) for pair in ((first, second), (second, first)))
    assert there.difference == pytest.approx(-back.difference)
    assert there.p == pytest.approx(back.p)
    assert (there.low is None) == (back.low is None)
    if there.low is not None and back.high is not None:
        assert there.low == pytest.approx(-back.high)
    same = sets.compared(first, first, subjects[: len(rows)], 0.95)
    assert same == (0.0, 0.0, 0.0, 1.0)


def world(recordings: int, skill: float, together: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores (N, 4) of windows of recordings: activities last, and recordings differ."""
    base, windows = ndtri(np.array([0.87, 0.2, 0.27, 0.17])), 43

    def course(last: float) -> np.ndarray:
        z = rng.normal(size=(recordings, windows, 4))
        for t in range(1, windows):
            z[:, t] = last * z[:, t - 1] + (1 - last**2) ** 0.5 * z[:, t]
        return (1 - together) ** 0.5 * z + together**0.5 * rng.normal(size=(recordings, 1, 4))

    actual = course(0.8) > -base
    return actual.reshape(-1, 4), (skill * (2 * actual - 1) + course(0.5)).reshape(-1, 4)


@pytest.mark.parametrize("skill", [0.5, 1.2])
def test_intervals_of_macro_f1_cover_with_eight_recordings(skill: float) -> None:
    every = np.ones(4, np.bool_)

    def macro(recordings: int, rng: np.random.Generator) -> Numbers:
        actual, scores = world(recordings, skill, 0.1, rng)
        return sets.f1(actual, scores > 0).mean(every)

    truth = macro(3000, np.random.default_rng(1)).value[0]
    clusters, held, replicates = np.repeat(np.arange(8), 43).astype(str).tolist(), 0, 300
    for replicate in range(replicates):
        bounds = sets.interval(macro(8, np.random.default_rng([2, replicate])), clusters, LEVEL)
        held += int(bounds.low[0] <= truth <= bounds.high[0])
    # Two standard errors beyond 92 and 98 %.
    assert 0.92 - 2 * (0.92 * 0.08 / replicates) ** 0.5 <= held / replicates <= 0.98 + 2 * (0.0196 / replicates) ** 0.5
