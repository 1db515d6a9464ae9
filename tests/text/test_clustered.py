"""Texts embedded by the workers of a Ray cluster: the bytes of one process, and what the journal has is not asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.text import clustered
from stages.text.encode import Encoder, Vector, encode
from stages.text.model import PACKAGED, model_folder
from stages.text.sentences import Sentences

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow
TEXTS = [f"A person is {'very ' * (number % 7)}busy with {number} cups." for number in range(40)]
DEADLY = "This text ends its worker."


@pytest.fixture(autouse=True)
def _few_are_many(two_workers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts go to the workers of a cluster from eight on."""
    monkeypatch.setattr("stages.text.clustered.AT_ONCE", 8)
    monkeypatch.setattr("stages.text.sentences.AT_ONCE", 8)


def exits(*given: Any) -> Callable[[list[str]], Iterator[tuple[str, Vector]]]:
    """Return an encoder whose process ends at one text."""
    embed = Encoder(given[0], None, *given[1:])

    def work(texts: list[str]) -> Iterator[tuple[str, Vector]]:
        if DEADLY in texts:
            os._exit(1)
        yield from embed(texts)

    return work


@pytest.mark.parametrize(("precision", "pooling"), [("float32", "sentence"), ("float64", "first")])
def test_workers_embed_as_one_process_does_what_the_journal_lacks(precision: Any, pooling: Any) -> None:
    alone = dict(encode(model_folder(PACKAGED), TEXTS, 32, precision, pooling))
    with Journal("embed") as journal:
        few = Sentences(PACKAGED, journal, precision=precision, pooling=pooling)
        few.embed(TEXTS[:5])
        assert not ray.is_initialized()  # so few are not worth a cluster
        sentences = Sentences(PACKAGED, journal, precision=precision, pooling=pooling)
        found = sentences.embed(TEXTS)
        assert ray.is_initialized()
        assert (few.computed, sentences.computed, len(journal)) == (5, len(TEXTS) - 5, len(TEXTS))
    assert np.array_equal(found, np.stack([alone[text] for text in TEXTS]))


def test_a_text_that_ends_its_worker_is_said_once_the_others_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clustered, "_encoder", exits)
    with Journal("embed") as journal:
        with pytest.raises(InputError, match="1 texts could not be embedded") as told:
            Sentences(PACKAGED, journal).embed([*TEXTS[:20], DEADLY])
        assert DEADLY in str(told.value)
        assert "the process that worked on it died, 2 times" in str(told.value)
        assert len(journal) == 20
