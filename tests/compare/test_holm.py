import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.compare.holm import holm


def test_known_example() -> None:
    # R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_lies_between_p_and_bonferroni_and_keeps_the_order(p: list[float]) -> None:
    adjusted = holm(p)
    assert np.all(adjusted >= p)
    assert np.all(adjusted <= np.minimum(1, np.array(p) * len(p)) + 1e-12) or len(p) == 0
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0)
