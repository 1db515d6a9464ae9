"""Metric `bertscore`: precision of BERTScore, for any encoder and layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from stages.base.errors import InputError
from stages.journal.store import Journal, compute_missing, journal_key
from stages.text import encode, tokens
from stages.text.model import revision

#: Raise it whenever a pair's value changes: it is part of the journal's key.
VERSION = 1

#: What the journal keeps of a pair.
KIND = ("precision",)


class Pair(NamedTuple):
    """A prediction and its reference caption; neither is blank."""

    prediction: str
    reference: str


def bertscore(
    pairs: Sequence[Pair],
    folder: Path,
    layer: int,
    journal: Journal,
    advance: Callable[[int], None] = lambda _: None,
    precision: encode.Precision = "float32",
) -> list[float]:
    """Return the precision of each pair, neither idf-weighted nor rescaled: `bert_score.score(..., batch_size=1)[0]`.

    One pair a batch, because in a larger one bert_score pads references with zeros, which win over negative cosines.

    Zhang et al., "BERTScore: Evaluating Text Generation with BERT" (ICLR 2020), section 3. It will not punish what the
    prediction leaves out (that is recall), nor a wrong activity told in the reference's words. Each distinct text is
    encoded once and each distinct pair is journalled; while they are computed, the states of all texts are in memory
    (tokens x D x 4 bytes).

    Raises:
        InputError: the encoder has no such layer.
    """
    libraries = encode.versions() | {"bert-score": version("bert-score")}
    same: dict[str, Any] = {"encoder": revision(folder), "layer": layer, "version": [VERSION, tokens.VERSION]}
    same |= {"versions": libraries, **encode.shape(precision)}
    keys = {pair: journal_key(prediction=pair.prediction, reference=pair.reference, **same) for pair in set(pairs)}

    def compute(missing: list[Pair]) -> Iterable[tuple[Pair, dict[str, float]]]:
        for pair, value in _precision(missing, folder, layer, precision):
            yield pair, {"precision": value}

    compute_missing(journal, list(dict.fromkeys(pairs)), keys.__getitem__, compute, advance)
    return [journal.get(keys[pair])["precision"] for pair in pairs]


def _precision(
    pairs: Sequence[Pair], folder: Path, layer: int, precision: encode.Precision
) -> Iterable[tuple[Pair, float]]:
    import torch

    distinct = list(dict.fromkeys(text for pair in pairs for text in pair))
    states = {
        text: (state, weights) for text, state, weights in tokens.hidden_states(folder, layer, distinct, precision)
    }

    from bert_score.utils import greedy_cos_idf

    def side(text: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        state, weights = states[text]
        # Clones: greedy_cos_idf normalises in place.
        return state.clone()[None], torch.ones(1, len(weights), dtype=torch.bool), weights.clone()[None]

    with torch.inference_mode():
        for pair in pairs:
            found = float(greedy_cos_idf(*side(pair.reference), *side(pair.prediction))[0])
            # What float64 knows beyond float32 is where processors differ.
            yield pair, found if precision == "float32" else round(found, 7)


def default_layer(encoder: str) -> int:
    """Return the layer that bert-score's own table gives an encoder of the hub, by its name.

    Its authors took the layer of the highest correlation with human judgements on WMT16 (`model2layers`): 17 for
    roberta-large, 18 for microsoft/deberta-large-mnli. A hub name may have its owner in front
    (`FacebookAI/roberta-large`), which the table often lacks.

    Raises:
        InputError: the table does not have it.
    """
    from bert_score.utils import model2layers

    layer = model2layers.get(encoder) or model2layers.get(encoder.rpartition("/")[2])
    if not layer:
        raise InputError(
            f"bert-score's table has no layer for {encoder}", key="bertscore.layer", do="give the layer, from 1"
        )
    return int(layer)
