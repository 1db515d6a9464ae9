"""Several teachers: averaged logits, and weights by the softmin of losses, beside the formulas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stages.base.errors import InputError
from stages.teachers.mixing import mixed, weights_of
from stages.teachers.signals import About, Teacher

SIZES = [3, 2]


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def teacher(seed: int, width: int | None = 4) -> Teacher:
    rng = np.random.default_rng(seed)
    logs = np.concatenate([np.log(softmax(rng.normal(size=(7, size)))) for size in SIZES], 1).astype(np.float32)
    about = About(by="clip", heads=[("verb", ["a", "b", "c"]), ("noun", ["x", "y"])], fingerprint="f")
    embedding = None if width is None else rng.normal(size=(7, width)).astype(np.float32)
    return Teacher(Path(str(seed)), about, {}, logs, embedding)


ROWS = [np.array([0, 6, 3, 3]), np.array([1, 2, 3, 4])]
WANTED = np.array([[0, 1], [2, 0], [1, 1], [1, 0]])


def test_one_teacher_is_taken_as_it_is():
    one = teacher(0)
    found = mixed([one], ROWS[:1], WANTED, SIZES, "sample")
    assert found.log_probabilities == pytest.approx(one.log_probabilities[ROWS[0]], abs=1e-6)
    assert np.array_equal(found.embedding, one.embedding[ROWS[0]])


@pytest.mark.parametrize("how", ["mean", "sample", "set"])
def test_logits_are_averaged_by_the_weights(how):
    both = [teacher(0), teacher(1)]
    said = [one.log_probabilities[row].astype(float) for one, row in zip(both, ROWS, strict=True)]
    at = WANTED + np.array([0, 3])
    losses = np.stack([-np.take_along_axis(one, at, 1).mean(1) for one in said])
    if how == "mean":
        weights = np.full((2, 4), 0.5)
    else:
        weights = softmax(-(losses if how == "sample" else losses.mean(1, keepdims=True).repeat(4, 1)).T).T
    assert weights_of(said, WANTED, SIZES, how) == pytest.approx(weights)
    together = weights[0][:, None] * said[0] + weights[1][:, None] * said[1]
    found = mixed(both, ROWS, WANTED, SIZES, how)
    for part in (slice(0, 3), slice(3, 5)):
        # At any temperature, as logits that differ by a constant are one distribution.
        for tau in (1.0, 3.0):
            assert softmax(found.log_probabilities[:, part] / tau) == pytest.approx(
                softmax(together[:, part] / tau), abs=1e-6
            )
    embedding = sum(w[:, None] * one.embedding[row] for w, one, row in zip(weights, both, ROWS, strict=True))
    assert found.embedding == pytest.approx(embedding, abs=1e-6)


def test_embeddings_of_several_widths_or_of_some_only():
    assert mixed([teacher(0), teacher(1, None)], ROWS, WANTED, SIZES, "mean").embedding is None
    with pytest.raises(InputError, match="embeddings are of 4, 5 numbers"):
        mixed([teacher(0), teacher(1, 5)], ROWS, WANTED, SIZES, "mean")
