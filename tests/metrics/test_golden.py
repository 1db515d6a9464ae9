"""Values that were computed once. Where one changes, raise the VERSION beside the function that computes it."""

import numpy as np
import pytest

from stages.base.journal.store import Journal
from stages.metrics import bertscore
from stages.text import encode, tokens
from stages.text.model import PACKAGED, model_folder


def test_embeddings_of_version_1():
    assert encode.VERSION == 1
    found = dict(encode.encode(model_folder(PACKAGED), ["A person is drinking from a cup.", ""]))
    golden = {
        "A person is drinking from a cup.": [0.008480, 0.019901, -0.004932, 0.031885],
        "": [-0.118838, 0.048299, -0.002548, -0.011011],
    }
    for text, values in golden.items():
        assert np.allclose(found[text][:4], values, atol=2e-6), text


def test_bertscore_of_version_1():
    assert (bertscore.VERSION, tokens.VERSION) == (1, 1)
    pair = bertscore.Pair("A man is drinking from a cup.", "The person drinks water out of a cup in the kitchen.")
    with Journal("bertscore") as journal:
        assert bertscore.bertscore([pair], model_folder(PACKAGED), 6, journal) == [pytest.approx(0.630929, abs=2e-6)]
