import pytest
import torch

from stages.base.errors import InputError
from stages.core.journal import Journal
from stages.measure.bertscore import Pair, bertscore
from stages.text.model import PACKAGED, model_folder

PAIRS = [
    Pair("A man is drinking from a cup.", "The person drinks water out of a cup in the kitchen."),
    Pair("A woman reads.", "The person drinks water out of a cup in the kitchen."),
    Pair("A man is drinking from a cup.", "A man is drinking from a cup."),
    Pair("  A man\nis drinking from a cup.  ", "Walking."),
    Pair("antidisestablishmentarianism!", "?"),
    Pair("word " * 10_000, "A person walks through the room, slowly, with a cane, towards the window."),
]


@pytest.fixture(scope="module")
def oracle():
    from bert_score import score

    def precision(pairs, layer):
        # The tokeniser's own limit is 512 word pieces, as long as the encoder's positions.
        folder = str(model_folder(PACKAGED))
        texts = [pair.prediction for pair in pairs], [pair.reference for pair in pairs]
        # One pair a batch: beside a longer reference, the zeros of its padding win over negative cosines.
        return score(*texts, model_type=folder, num_layers=layer, batch_size=1)[0]

    return precision


@pytest.mark.parametrize("layer", [6, 4])
def test_precision_is_that_of_bert_score(oracle, layer):
    with Journal("bertscore") as journal:
        ours = bertscore(PAIRS, model_folder(PACKAGED), layer, journal)
    assert torch.allclose(torch.tensor(ours), oracle(PAIRS, layer), atol=1e-5, rtol=0)
    assert abs(ours[2] - 1) < 1e-5


def test_pairs_come_from_the_journal_bit_for_bit_and_in_any_order():
    folder = model_folder(PACKAGED)
    computed = []
    with Journal("bertscore") as journal:
        first = bertscore(PAIRS[:4], folder, 6, journal, computed.append)
    with Journal("bertscore") as journal:
        again = bertscore([*PAIRS[3::-1], *PAIRS[:2]], folder, 6, journal, computed.append)
    assert len(computed) == 4
    assert again == [*first[::-1], *first[:2]]
    with Journal("elsewhere") as journal:
        assert bertscore(PAIRS[1:2], folder, 6, journal) == first[1:2]


def test_a_layer_that_is_not_there_is_a_clear_error():
    with Journal("bertscore") as journal, pytest.raises(InputError, match="between 0 and 6"):
        bertscore(PAIRS[:1], model_folder(PACKAGED), 7, journal)
