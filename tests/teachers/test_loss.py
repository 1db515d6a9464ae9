"""A student's loss beside an independent one in float64: numpy, written from the paper's formulas, no autograd."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from stages.teachers.loss import distilling, naming_heads, score
from stages.teachers.params import Distillation
from tests.learn.small import recipe

SIZES = {"one": [5], "two": [4, 3]}
NAMES = {"one": ["label"], "two": ["verb", "noun"]}
B, D, ROWS = 6, 8, 9


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def by_hand(out, wanted, teacher, embedding, sizes, lam, tau, w, terms):
    """Return the mean loss over B samples, its gradient by `out`, and each term, from the formulas."""
    count, heads = len(out), len(sizes)
    edges = np.concatenate([[0], np.cumsum(sizes)])
    total, gradient, each = 0.0, np.zeros_like(out), []
    for head, (low, high) in enumerate(itertools.pairwise(edges)):
        logits = out[:, low:high]
        p = softmax(logits)
        if "cross_entropy" in terms:
            onehot = np.eye(high - low)[wanted[:, head]]
            value = -np.log(p[np.arange(count), wanted[:, head]]).mean()
            total += (1 - lam) * value / heads
            gradient[:, low:high] += (1 - lam) / heads * (p - onehot) / count
            each.append(value)
    for low, high in itertools.pairwise(edges):
        if "distillation" in terms:
            t, s = softmax(teacher[wanted[:, -1], low:high] / tau), softmax(out[:, low:high] / tau)
            value = (t * (np.log(t) - np.log(s))).sum() / count * tau**2
            total += lam * value / heads
            gradient[:, low:high] += lam / heads * tau * (s - t) / count  # d/dlogits of KL is (s - t) / tau
            each.append(value)
    if "regression" in terms:
        away = out[:, edges[-1] :] - embedding[wanted[:, -1]]
        value = np.where(np.abs(away) < 1, 0.5 * away**2, np.abs(away) - 0.5).mean()
        total += w * value
        gradient[:, edges[-1] :] += w * np.clip(away, -1, 1) / away.size
        each.append(value)
    return total, gradient, each


@pytest.mark.parametrize("kind", ["one", "two"])
@pytest.mark.parametrize(
    ("lam", "tau", "w", "terms"),
    [
        (0.4, 3.0, 0.5, ["cross_entropy", "distillation", "regression"]),
        (0.8, 1.0, 2.0, ["cross_entropy", "distillation", "regression"]),
        (0.4, 3.0, 1.0, ["cross_entropy", "distillation"]),
        (1.0, 7.5, 1.0, ["distillation"]),
        (0.0, 3.0, 1.0, ["cross_entropy"]),
        (0.0, 3.0, 1.5, ["cross_entropy", "regression"]),
    ],
)
def test_loss_and_gradient_are_those_of_the_formulas(kind, lam, tau, w, terms):
    rng, sizes = np.random.default_rng(1), SIZES[kind]
    out = 3 * rng.normal(size=(B, sum(sizes) + D * ("regression" in terms)))
    wanted = np.stack([*(rng.integers(0, size, B) for size in sizes), rng.integers(0, ROWS, B)], 1)
    teacher, embedding = 2 * rng.normal(size=(ROWS, sum(sizes))), rng.normal(size=(ROWS, D))
    total, gradient, each = by_hand(out, wanted, teacher, embedding, sizes, lam, tau, w, terms)
    params = Distillation.model_validate({"lambda": lam, "tau": tau, "w": w, "terms": terms})
    given = torch.from_numpy(teacher), torch.from_numpy(embedding)
    plain = recipe(class_weights=False)
    for dtype, close in ((torch.float64, 1e-12), (torch.float32, 1e-6)):
        objective = distilling(torch.from_numpy(wanted), NAMES[kind], sizes, plain, params, *given)
        leaf = torch.from_numpy(out).to(dtype).requires_grad_()
        found = objective.loss(leaf, torch.from_numpy(wanted)).mean(0)
        assert found[0].item() == pytest.approx(total, rel=close, abs=close)
        assert found[1:].tolist() == pytest.approx(each, rel=close, abs=close)
        assert len(objective.terms) == len(each)
        found[0].backward()
        assert np.abs(leaf.grad.double().numpy() - gradient).max() < close


def test_terms_are_named_by_head():
    wanted = torch.zeros(3, 3, dtype=torch.int64)
    params = Distillation()
    both = distilling(wanted, ["verb", "noun"], [2, 2], recipe(), params, torch.zeros(1, 4), torch.zeros(1, 2))
    assert both.terms == (
        "cross_entropy_verb",
        "cross_entropy_noun",
        "distillation_verb",
        "distillation_noun",
        "regression",
    )
    one = distilling(wanted[:, 1:], ["label"], [2], recipe(), params, torch.zeros(1, 2), torch.zeros(1, 2))
    assert one.terms == ("cross_entropy", "distillation", "regression")


def test_without_a_teacher_it_is_the_naming_of_classes():
    """So that the row of cross-entropy is the plain model's: class weights, smoothing and all."""
    from stages.learn.losses import naming

    targets = torch.tensor([0, 0, 0, 1, 2, 2])
    logits = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    smooth = recipe(smoothing=0.1)
    ours = naming_heads(targets[:, None], ["label"], [3], smooth)
    plain = naming(targets, 3, True, 0.1)
    wanted = torch.stack([targets, torch.full((6,), -1)], 1)
    assert torch.equal(ours.loss(logits, wanted)[:, 0], plain.loss(logits, targets))
    assert ours.score(logits.numpy(), wanted.numpy()) == plain.score(logits.numpy(), targets.numpy())


def test_two_heads_are_right_where_both_are():
    out = np.array([[2.0, 0, 0, 1, 9], [0, 2, 0, 1, 9], [2, 0, 1, 0, 9], [0, 2, 1, 0, 9]])
    wanted = np.array([[0, 1, -1], [0, 1, -1], [0, 0, -1], [0, 1, -1]])
    assert score(out, wanted, [2, 2])[1] == 0.5


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tau": 0}, "greater than 0"),
        ({"lambda": 1.2}, "less than or equal to 1"),
        ({"lambda": -0.1}, "greater than or equal to 0"),
        ({"w": -1}, "greater than or equal to 0"),
        ({"terms": []}, "at least 1"),
        ({"terms": ["cross_entropy"]}, "lambda is 0"),
        ({"terms": ["distillation", "regression"]}, "lambda is 1"),
        ({"terms": ["regression", "regression"]}, "named twice"),
        ({"terms": ["kl"]}, "cross_entropy"),
        ({"temperature": 3}, "Extra inputs"),
    ],
)
def test_weights_that_are_none_are_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        Distillation.model_validate(given)
