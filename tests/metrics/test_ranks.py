"""Acc@1 and Acc@5 of verb, noun and action beside scikit-learn's and a sort of all pairs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import top_k_accuracy_score

from stages.metrics.ranks import hits

VERBS, NOUNS = [f"v{n}" for n in range(7)], [f"n{n}" for n in range(11)]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_accuracies_are_scikit_learns_and_an_action_competes_with_all_pairs():
    rng = np.random.default_rng(0)
    verbs, nouns = softmax(rng.normal(size=(200, 7))), softmax(rng.normal(size=(200, 11)))
    true_verb, true_noun = rng.integers(0, 7, 200), rng.integers(0, 11, 200)
    found = [
        hits(VERBS[v], NOUNS[n], VERBS, verbs[row], NOUNS, nouns[row])
        for row, (v, n) in enumerate(zip(true_verb, true_noun, strict=True))
    ]
    pairs = (verbs[:, :, None] * nouns[:, None, :]).reshape(200, -1)
    cases = {"verb": (verbs, true_verb), "noun": (nouns, true_noun), "action": (pairs, true_verb * 11 + true_noun)}
    for name, (scores, wanted) in cases.items():
        for k in (1, 5):
            expected = top_k_accuracy_score(wanted, scores, k=k, labels=np.arange(scores.shape[1]))
            assert np.mean([one[f"{name}@{k}"] for one in found]) == pytest.approx(expected)
    both = [one["verb@1"] * one["noun@1"] for one in found]
    assert [one["action@1"] for one in found] == both


def test_of_equal_scores_the_first_is_better_and_what_is_in_no_list_is_wrong():
    even = [0.25] * 4
    found = hits("b", "y", ["a", "b", "c", "d"], even, ["x", "y"], [0.5, 0.5])
    assert (found["verb@1"], found["verb@5"], found["noun@1"], found["action@1"], found["action@5"]) == (0, 1, 0, 0, 1)
    found = hits("z", "x", ["a", "b", "c", "d"], even, ["x", "y"], [0.5, 0.5])
    assert (found["verb@5"], found["noun@1"], found["action@5"]) == (0, 1, 0)
