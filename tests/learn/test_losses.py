"""Losses beside torch's own, and the quality of logits beside scikit-learn's."""

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss
from torch.nn import functional as F

from stages.learn.losses import class_weights, loss_for, positive_weights
from stages.learn.measures import loss_of, quality
from stages.learn.prediction_rows import prediction_rows, probabilities
from tests.learn.test_data import clips_of

LOGITS = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
CLASSES = torch.tensor([0] * 7 + [1] * 4 + [2])
LABELS = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 1]] * 3).float()


def test_cross_entropy_is_torchs():
    plain = loss_for(CLASSES, 3, weighted=False)(LOGITS, CLASSES)
    assert torch.allclose(plain, F.cross_entropy(LOGITS, CLASSES, reduction="none"))
    smooth = loss_for(CLASSES, 3, weighted=False, smoothing=0.1)(LOGITS, CLASSES)
    assert torch.allclose(smooth, F.cross_entropy(LOGITS, CLASSES, reduction="none", label_smoothing=0.1))
    weights = class_weights(CLASSES, 3)
    weighted = loss_for(CLASSES, 3, weighted=True)(LOGITS, CLASSES)
    assert torch.allclose(weighted, F.cross_entropy(LOGITS, CLASSES, weight=weights, reduction="none"))


def test_each_class_weighs_the_same_and_a_sample_one_on_average():
    weights = class_weights(CLASSES, 4)
    totals = torch.bincount(CLASSES, minlength=4) * weights
    assert torch.allclose(totals[:3], totals[0].expand(3))
    assert weights[3] == 0  # no clip of it
    assert weights[CLASSES].mean() == pytest.approx(1)


def test_several_labels_are_torchs_with_positives_weighed_against_negatives():
    weights = positive_weights(LABELS)
    assert weights.tolist() == pytest.approx([3 / 9, 9 / 3, 9 / 3])
    found = loss_for(LABELS, 3, weighted=True)(LOGITS, LABELS)
    wanted = F.binary_cross_entropy_with_logits(LOGITS, LABELS, pos_weight=weights, reduction="none").mean(1)
    assert torch.allclose(found, wanted)
    assert positive_weights(torch.zeros(5, 2)).tolist() == [1, 1]  # a label that never holds


def test_quality_is_scikit_learns():
    logits, classes, labels = LOGITS.numpy(), CLASSES.numpy(), LABELS.numpy()
    assert quality(logits, classes) == pytest.approx(balanced_accuracy_score(classes, logits.argmax(1)))
    assert quality(logits, labels) == pytest.approx(f1_score(labels, logits > 0, average="macro"))
    p = probabilities(logits, many=False)
    p /= p.sum(1, keepdims=True)  # they are rounded
    assert loss_of(logits, classes) == pytest.approx(log_loss(classes, p), abs=1e-5)
    wanted = F.binary_cross_entropy_with_logits(LOGITS, LABELS)
    assert loss_of(logits, labels) == pytest.approx(float(wanted), abs=1e-6)


def test_rows_name_one_class_or_all_above_a_half():
    clips = clips_of({"b": ["x"], "a": ["y"]})
    scores = np.array([[0.2, 0.7, 0.1], [0.6, 0.4, 0.9]])
    single = list(prediction_rows("m_cs", clips, scores, ["x", "y", "z"], False, "rev", "key"))
    assert [row["labels"] for row in single] == [["y"], ["z"]]
    many = list(prediction_rows("m_cs", clips, scores - 0.15, ["x", "y", "z"], True, "rev", "key"))
    assert [row["labels"] for row in many] == [["y"], ["z"]]
    assert {row["status"] for row in many} == {"ok"}
    none = next(iter(prediction_rows("m_cs", clips, scores * 0, ["x", "y", "z"], True, "rev", "key")))
    assert none["labels"] == []
