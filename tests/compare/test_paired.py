import numpy as np
import pytest

from stages.compare.paired import compared, family
from stages.compare.seeded import Learnt
from stages.stats.design import Design
from stages.stats.seeds import Seeds


def design(clips: int = 60) -> Design:
    return Design.of([str(index % 3) for index in range(clips)], [str(index // 3 % 5) for index in range(clips)])


def test_pairs_use_only_the_clips_that_both_have() -> None:
    rng = np.random.default_rng(0)
    model, other = (rng.random(60) < 0.5).astype(float), (rng.random(60) < 0.5).astype(float)
    model[:10], other[-10:] = np.nan, np.nan
    found = compared(design(), model, other, 0.95).row
    assert found["clips"] == 40
    classes = np.arange(60) % 3
    gaps = [np.nanmean((model - other)[classes == index]) for index in range(3)]
    assert found["difference"] == pytest.approx(np.mean(gaps))
    assert found["low"] < found["difference"] < found["high"]


def test_swapping_the_methods_turns_the_sign_only() -> None:
    rng = np.random.default_rng(1)
    model, other = (rng.random(60) < 0.8).astype(float), (rng.random(60) < 0.5).astype(float)
    there, back = compared(design(), model, other, 0.95).row, compared(design(), other, model, 0.95).row
    assert (there["difference"], there["low"], there["p"]) == pytest.approx(
        (-back["difference"], -back["high"], back["p"])
    )


def test_identical_methods_do_not_differ() -> None:
    verdicts = (np.random.default_rng(2).random(60) < 0.5).astype(float)
    found = compared(design(), verdicts, verdicts, 0.95).row
    assert (found["difference"], found["low"], found["high"], found["p"]) == (0, 0, 0, 1)


def test_a_difference_without_variance_has_no_bounds_and_the_sign_tests_p() -> None:
    found = compared(design(), np.ones(60), np.zeros(60), 0.95).row
    assert (found["difference"], found["low"], found["p"]) == (1, None, 2 * 0.5**5)


def test_methods_without_a_common_clip_are_told_apart_by_nothing() -> None:
    model, other = np.full(60, np.nan), np.full(60, np.nan)
    model[:30], other[30:] = 1, 1
    rows = list(family(design(), {"a": model, "b": other, "c": np.zeros(60)}, 0.95))
    assert [(row["clips"], row["p_holm"] is None) for row in rows] == [(0, True), (30, False), (30, False)]


def test_pairing_sees_what_two_overlapping_intervals_do_not() -> None:
    rng = np.random.default_rng(3)
    hard = rng.random(600) < 0.5
    other = (~hard).astype(float)
    model = np.where(rng.random(600) < 0.1, 1.0, other)
    found = compared(design(600), model, other, 0.95).row
    assert found["low"] > 0
    assert found["high"] - found["low"] < 0.06


def test_every_pair_of_which_one_learns_has_its_seeds() -> None:
    rng = np.random.default_rng(3)
    right = {name: (rng.random(60) < 0.6).astype(float) for name in "abcd"}
    seeds = Seeds.of([0.5, 0.6, 0.7])
    cells = design().cells(right["a"])
    learnt = {name: Learnt(seeds, right[name], None, None, cells, np.ones(1)) for name in "ab"}
    for row in family(design(), right, 0.95, learnt):
        wider = row["high_seeds"] - row["low_seeds"] > row["high"] - row["low"]
        assert wider == (row["model"] in learnt or row["other"] in learnt), row


def test_by_accuracy_a_clip_counts_and_by_mca_a_class():
    """Of nine clips of one class and one of another, the latter is a tenth of the clips and half of the mca."""
    uneven = Design.of(["a"] * 9 + ["b"], [f"s{number % 5}" for number in range(10)])
    better, worse = np.ones(10), np.array([1.0] * 9 + [0.0])
    assert np.isclose(compared(uneven, better, worse, 0.95).row["difference"], 0.5)
    assert np.isclose(compared(uneven, better, worse, 0.95, "accuracy").row["difference"], 0.1)
