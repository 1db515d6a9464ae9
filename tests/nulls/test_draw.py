from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.nulls.draw import exchange
from stages.nulls.sentence import every_class


@given(
    st.lists(st.sampled_from("abcde"), min_size=2, max_size=60).filter(lambda labels: len(set(labels)) > 1),
    st.integers(0, 99),
)
def test_donors_are_of_another_class(labels, seed):
    donors = exchange(labels, np.random.default_rng(seed))
    assert all(labels[donor] != label for donor, label in zip(donors, labels, strict=True))


@given(st.integers(0, 99))
def test_captions_are_exchanged_not_drawn(seed):
    labels = ["walk"] * 40 + ["sit"] * 30 + ["eat"] * 25 + ["cut"] * 5
    donors = exchange(labels, np.random.default_rng(seed))
    assert sorted(donors) == list(range(100))


def test_a_class_that_outweighs_the_others_still_gets_donors():
    labels = ["walk"] * 9 + ["sit"]
    donors = exchange(labels, np.random.default_rng(0))
    assert Counter(labels[donor] for donor in donors[:9]) == {"sit": 9}
    assert labels[donors[9]] == "walk"


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="single class"):
        exchange(["walk", "walk"], np.random.default_rng(0))


def test_seed_decides():
    labels = list("aabbccdd")
    first, again, other = (exchange(labels, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_sentence_names_a_keyword_of_every_class():
    assert every_class({"Walk": ["walk"], "Cook_Cut": ["chop", "cut"]}) == "The person is chop, walk."
