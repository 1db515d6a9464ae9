"""Sentence embeddings by any sentence-transformers model: what `SentenceTransformer.encode` gives, faster and exact.

Faster: no padding, and threads that share nothing but the weights.
Exact: a text's embedding is the same to the last bit in any order, beside any other texts, after any resume
(see batches.py for why). `python -m bench.text` measures both.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stages.exact.formats import computed_in
from stages.exact.linear import steady
from stages.text.batches import Batch, device, equal_length, over_threads, stacked

Vector = NDArray[np.float32]

#: Number format in which a text encoder computes.
Precision = Literal["float32", "float64"]

#: What an embedding is: the model's own (pooled as it says, unit length), the mean of its last hidden states over a
#: text's tokens, or that of its first token.
Pooling = Literal["sentence", "mean", "first"]

#: Raise it whenever a text's embedding changes: it is part of the journal's key.
VERSION = 1

#: Texts tokenised at once.
_TOKENISED = 512


def versions() -> dict[str, str]:
    """Return the versions of the libraries that compute an embedding; a build (`+cpu`) is where, not what."""
    names = ("torch", "transformers", "tokenizers", "sentence-transformers")
    return {name: version(name).partition("+")[0] for name in names}


def shape(precision: Precision, pooling: Pooling = "sentence") -> dict[str, str]:
    """Return what a journal key needs of precision and pooling: nothing of the usual ones, which keys never named."""
    found: dict[str, str] = {}
    if precision != "float32":
        found["precision"] = computed_in(precision)
    if pooling != "sentence":
        found["pooling"] = pooling
    return found


def load(folder: Path, where: str, precision: Precision = "float32") -> Any:
    """Return the SentenceTransformer in `folder` on device `where`."""
    import transformers
    from sentence_transformers import SentenceTransformer

    from stages.exact.double import double

    if not sys.stderr.isatty():
        logging: Any = transformers.utils.logging
        logging.disable_progress_bar()  # a log wants no bars
    model = SentenceTransformer(str(folder), device=where, model_kwargs={"dtype": precision}).eval()
    return double(steady(model, where))


_loaded = lru_cache(maxsize=1)(load)  # methods are measured one after another, by the same encoder


class Encoder:
    """A sentence-transformers model that is loaded once and asked as often as one likes."""

    def __init__(
        self,
        folder: Path,
        batch: int | None = None,
        precision: Precision = "float32",
        pooling: Pooling = "sentence",
        threads: int | None = None,
    ) -> None:
        """Load it.

        Args:
            folder: a sentence-transformers model.
            batch: texts at once; `batch` of compute.yaml where none is given. It does not shape the result.
            precision: what is computed in; embeddings are float32. In float64 processors differ far below what float32
                keeps, so that all of them give the same bytes.
            pooling: what of the model's output.
            threads: on a CPU; those of compute.yaml where none are given. They do not shape the result.
        """
        self._where = device()
        self._model = _loaded(folder, self._where, precision)
        self._batch, self._pooling, self._threads = batch, pooling, threads

    def __call__(self, texts: Sequence[str]) -> Iterator[tuple[str, Vector]]:
        """Yield each of the distinct `texts` with its embedding, as `encode` does."""
        features = _features(self._model, texts)
        batches = equal_length([len(one["input_ids"]) for one in features], self._batch)

        def embed(together: Batch) -> Vector:
            return self._embed(stacked(features, together, self._where))

        for together, vectors in over_threads(embed, batches, self._where, self._threads):
            yield from zip((texts[text] for text in together), vectors, strict=True)

    def _embed(self, inputs: dict[str, Any]) -> Vector:
        import torch

        out = self._model(inputs)
        if self._pooling == "sentence":
            found = torch.nn.functional.normalize(out["sentence_embedding"], dim=1)  # (B, D)
        else:
            hidden = out["token_embeddings"]  # (B, T, D), no padding among them
            found = hidden.mean(1) if self._pooling == "mean" else hidden[:, 0]
        vectors: Vector = found.float().cpu().numpy()
        return vectors


def encode(
    folder: Path,
    texts: Sequence[str],
    batch: int | None = None,
    precision: Precision = "float32",
    pooling: Pooling = "sentence",
) -> Iterator[tuple[str, Vector]]:
    """Yield each of the distinct `texts` with its embedding (D,), in no stated order; of unit length if `sentence`.

    Texts are stripped and truncated to the model's longest input, as sentence-transformers does it (all-MiniLM-L6-v2:
    256 word pieces); an empty text has the embedding of its special tokens alone. The arguments are those of `Encoder`.
    """
    yield from Encoder(folder, batch, precision, pooling)(texts)


def _features(model: Any, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return the model's inputs for each text, without padding: name -> (T,)."""
    prompt = model.prompts.get(model.default_prompt_name) if model.default_prompt_name else None
    found: list[dict[str, Any]] = [{} for _ in texts]
    # Texts of similar length together: the tokeniser pads to the longest.
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    for start in range(0, len(order), _TOKENISED):
        part = order[start : start + _TOKENISED]
        padded = model.preprocess([texts[index] for index in part], prompt=prompt)
        mask = padded["attention_mask"].bool()
        columns = {name: value for name, value in padded.items() if getattr(value, "shape", None) == mask.shape}
        for row, index in enumerate(part):
            found[index] = {name: value[row][mask[row]] for name, value in columns.items()}
    return found
