import pytest
import torch

from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.metrics.bertscore import BertScore, Pair, bertscore, default_layer
from stages.text import tokens
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
    tokens._encoder.cache_clear()  # encoded again, among other texts
    with Journal("elsewhere") as journal:
        assert bertscore(PAIRS[1:2], folder, 6, journal) == first[1:2]


def test_texts_of_another_method_are_not_encoded_again_and_give_the_same(monkeypatch):
    folder = model_folder(PACKAGED)
    tokens._encoder.cache_clear()
    with Journal("first") as journal:
        first = bertscore(PAIRS[:4], folder, 6, journal)
    encoder = tokens._encoder(folder, 6, "float32", "cpu")
    assert set(encoder.known) == {text for pair in PAIRS[:4] for text in pair}
    assert encoder.kept == sum(state.nbytes for state, _ in encoder.known.values())
    monkeypatch.setattr(encoder, "model", None)  # it would fail
    with Journal("second") as journal:
        assert bertscore(PAIRS[:4], folder, 6, journal) == first
    # What does not fit is encoded again.
    tokens._encoder.cache_clear()
    monkeypatch.setattr(tokens, "KEPT", 20_000)
    for name in ("third", "fourth"):
        with Journal(name) as journal:
            assert bertscore(PAIRS[:4], folder, 6, journal) == first
    encoder = tokens._encoder(folder, 6, "float32", "cpu")
    assert 0 < len(encoder.known) < 5
    assert encoder.kept <= 20_000


def test_a_layer_that_is_not_there_is_a_clear_error():
    with Journal("bertscore") as journal, pytest.raises(InputError, match="between 0 and 6"):
        bertscore(PAIRS[:1], model_folder(PACKAGED), 7, journal)


@pytest.fixture
def tiny_t5(tmp_path):
    """A saved T5 encoder whose fast tokeniser states no longest input, in a folder that is not called t5."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

    words = ["<pad>", "</s>", "<unk>", "a", "the", "man", "person", "cup", "drinks", "is", "drinking", "word"]
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    special = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(tmp_path / "encoder")
    torch.manual_seed(0)
    config = T5Config(vocab_size=len(words), d_model=16, d_kv=8, d_ff=32, num_layers=3, num_heads=2)
    T5EncoderModel(config).save_pretrained(tmp_path / "encoder")
    return tmp_path / "encoder"


def test_an_encoder_without_a_longest_input_is_given_the_stated_default(tiny_t5):
    from transformers import AutoTokenizer

    assert AutoTokenizer.from_pretrained(tiny_t5).model_max_length > 10**9
    pairs = [
        Pair("the man drinks", "a person is drinking"),
        Pair("a man drinks", "a man drinks"),
        Pair("word " * 600, "the man drinks"),
        Pair("word " * 512, "the man drinks"),
    ]
    with Journal("bertscore") as journal:
        found = bertscore(pairs, tiny_t5, 2, journal)
        assert found[1] == pytest.approx(1, abs=1e-5)
        assert -1 <= found[0] < 0.999
        assert found[2] == found[3] != 0  # both are cut at 512 tokens
        with pytest.raises(InputError, match="between 0 and 3"):
            bertscore(pairs[:1], tiny_t5, 4, journal)


@pytest.mark.parametrize(
    ("name", "layer"), [("roberta-large", 17), ("FacebookAI/roberta-large", 17), ("microsoft/deberta-large-mnli", 18)]
)
def test_the_layer_comes_from_bert_scores_own_table(name, layer):
    assert default_layer(name) == layer


def test_an_encoder_that_the_table_lacks_wants_a_layer():
    with pytest.raises(InputError, match="no layer for somebody/encoder"):
        default_layer("somebody/encoder")


def test_an_encoder_of_the_hub_is_pinned():
    with pytest.raises(ValueError, match="pin its commit"):
        BertScore(encoder="roberta-large", layer=None, protocol=None)
    with pytest.raises(ValueError, match="pin its commit"):
        BertScore(encoder="roberta-large", revision="main", layer=None, protocol=None)
    assert BertScore(encoder="roberta-large", revision="a" * 40, layer=None, protocol=None).layer is None


def test_a_roberta_is_not_given_more_tokens_than_it_has_positions():
    from types import SimpleNamespace

    from stages.text.tokens import longest_input

    config = SimpleNamespace(model_type="roberta", max_position_embeddings=514, pad_token_id=1)
    assert longest_input(SimpleNamespace(model_max_length=int(1e30)), config) == 512
