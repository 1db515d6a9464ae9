import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from stages.stats.macro_f1 import macro_f1


@settings(deadline=None)  # it depends on the machine
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=1, max_size=40))
def test_is_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    actual, named = np.array(pairs).T
    present, of_class = np.unique(actual, return_inverse=True)
    place = {int(name): index for index, name in enumerate(present)}
    renamed = np.array([place.get(int(name), -1) for name in named])
    found = macro_f1(of_class, renamed, len(present))
    expected = f1_score(actual, named, labels=present, average="macro", zero_division=0)
    assert np.isclose(found.value, expected)
    assert np.isclose(found.influence.sum(), 0)


def test_influence_is_the_derivative_by_a_clips_weight() -> None:
    rng = np.random.default_rng(0)
    actual = rng.integers(0, 4, 60)
    named = np.where(rng.random(60) < 0.6, actual, rng.integers(-1, 4, 60))
    found = macro_f1(actual, named, 4)
    step = 1e-6
    for clip in range(0, 60, 7):
        weight = np.ones(60)
        weight[clip] += step
        moved = f1_score(actual, named, labels=range(4), average="macro", sample_weight=weight, zero_division=0)
        assert np.isclose((moved - found.value) / step, found.influence[clip], atol=1e-4)
