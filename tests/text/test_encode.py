import hashlib
import random
import sys

import numpy as np
import pytest
import torch

from stages.base import params
from stages.base.errors import InputError
from stages.text.batches import equal_length
from stages.text.encode import encode, load
from stages.text.model import PACKAGED, model_folder, revision

ACTIVITIES = ["drinking from a cup", "reading", "cutting bread in the kitchen", "walking", "getting up from the sofa"]
PLACES = ["", " in a room", " near the window, seen from above", " while a television is on and a dog sleeps"]
TEXTS = [
    *(f"{who} is {what}{where}." for who in ("A man", "An older woman") for what in ACTIVITIES for where in PLACES),
    "",
    "  ",
    "Two\n\nlines, a tab\t and a word of many pieces: antidisestablishmentarianism",
    "word " * 10_000,
]


@pytest.fixture(scope="module")
def folder():
    return model_folder(PACKAGED)


@pytest.fixture(scope="module")
def embedded(folder):
    return dict(encode(folder, TEXTS))


def digest(vectors):
    return hashlib.sha256(b"".join(vectors[text].tobytes() for text in sorted(vectors))).hexdigest()


def test_embeddings_are_those_of_sentence_transformers(folder, embedded):
    plain = load(folder, "cpu").encode(TEXTS, batch_size=32)
    ours = np.stack([embedded[text] for text in TEXTS])
    assert ours.dtype == np.float32
    assert np.abs(ours - plain).max() < 1e-6
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 7, 32, 128])
def test_any_batch_size_and_order_give_the_same_bytes(folder, embedded, batch):
    shuffled = random.Random(batch).sample(TEXTS, len(TEXTS))
    assert digest(dict(encode(folder, shuffled, batch))) == digest(embedded)


def test_a_text_alone_and_on_one_or_three_threads_has_the_same_bytes(folder, embedded, monkeypatch):
    for threads in (1, 3):
        monkeypatch.setattr(params.compute(), "__dict__", {**params.compute().__dict__, "threads": threads})
        assert all(np.array_equal(vector, embedded[text]) for text, vector in encode(folder, TEXTS[::5]))
    ((_, alone),) = encode(folder, TEXTS[3:4])
    assert np.array_equal(alone, embedded[TEXTS[3]])


def test_threads_of_the_process_are_as_before(folder):
    before = torch.get_num_threads()
    list(encode(folder, TEXTS[:2]))
    assert torch.get_num_threads() == before


def test_blank_texts_are_the_models_special_tokens_and_a_long_one_is_cut(folder, embedded):
    assert np.array_equal(embedded[""], embedded["  "])
    model = load(folder, "cpu")
    pieces = model.tokenizer(TEXTS[-1], truncation=True, max_length=model.max_seq_length)["input_ids"]
    assert len(pieces) == 256
    ((_, shorter),) = encode(folder, ["word " * 254])
    assert np.array_equal(embedded[TEXTS[-1]], shorter)


def test_batches_hold_one_length_each_and_every_text_once():
    lengths = [3, 5, 3, 3, 9, 5, 3]
    batches = equal_length(lengths, 2)
    assert [[lengths[text] for text in batch] for batch in batches] == [[9], [5, 5], [3, 3], [3, 3]]
    assert sorted(text for batch in batches for text in batch) == list(range(7))


def test_a_model_is_known_by_its_bytes(folder, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"one")
    first = revision.__wrapped__(tmp_path)
    (tmp_path / "README.md").write_text("a card does not shape an embedding")
    assert revision.__wrapped__(tmp_path) == first
    (tmp_path / "model.safetensors").write_bytes(b"two")
    assert revision.__wrapped__(tmp_path) not in (first, revision(folder))


@pytest.mark.parametrize("name", ["./nowhere", "a/b/c", "nobody/no-such-model", "not a name!"])
def test_an_unknown_encoder_is_a_clear_error(name, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="what to do"):
        model_folder(name)


def test_a_folder_without_a_model_is_a_clear_error(tmp_path):
    with pytest.raises(InputError, match=r"neither modules\.json nor config\.json"):
        model_folder(str(tmp_path))


def test_finding_a_model_loads_no_torch():
    code = "import sys; from stages.text.sentences import Sentences; assert 'torch' not in sys.modules"
    import subprocess

    subprocess.run([sys.executable, "-c", code], check=True)
