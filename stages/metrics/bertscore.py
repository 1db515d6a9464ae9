"""Metric `bertscore`: precision of BERTScore, for any encoder and layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import PositiveInt, model_validator

from stages.base.errors import InputError
from stages.base.journal.store import Journal, compute_missing, journal_key
from stages.base.params import Params
from stages.base.progress import Progress
from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric
from stages.metrics.texts import texts
from stages.text import encode, tokens
from stages.text.model import PACKAGED, model_folder, revision

#: Raise it whenever a pair's value changes: it is part of the journal's key.
VERSION = 1

#: What the journal keeps of a pair.
KIND = ("precision",)


class BertScore(Params):
    """What `bertscore` compares, and how."""

    encoder: str
    """Name or path of a transformers encoder; roberta-large is bert-score's default for English."""
    revision: str | None = None
    """Commit of an encoder of the hub, which has to be pinned; null for a path and for the packaged one."""
    layer: PositiveInt | None
    """Its layer whose hidden states are compared, from 1; null takes bert-score's own choice for that name."""
    protocol: str | None = None
    """Only the clips that this protocol tests; null: all clips."""

    @model_validator(mode="after")
    def _pinned(self) -> BertScore:
        on_hub = self.encoder != PACKAGED and not Path(self.encoder).is_dir() and self.encoder[:1] not in "./~"
        if on_hub and self.encoder.count("/") < 2 and not re.fullmatch(r"[0-9a-f]{40}", self.revision or ""):
            raise ValueError(f"{self.encoder} is an encoder of the hub: pin its commit, 40 hex digits, as `revision`")
        return self


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
    (tokens x D x 4 bytes), and up to `tokens.KEPT` bytes of them stay there for the next method.

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


def rows(context: Context) -> Iterable[Row]:
    """Return the precision of each answer against its clip's reference caption."""
    params, found = context.block("bertscore", BertScore), list[Row]()
    said = list(texts(context, found, references=context.references))
    if params.protocol is not None:
        splits = context.splits(params.protocol)
        wanted = set(splits.filter(splits["part"] == "test")["clip_id"])
        said = [(answer, text) for answer, text in said if answer.clip_id in wanted]
        found = [row for row in found if row.clip_id in wanted]
    pairs = [Pair(text, context.references[answer.clip_id]) for answer, text in said]
    with Progress(f"bertscore {context.run.name} {context.method}", len(set(pairs))) as progress:
        values = bertscore(
            pairs,
            model_folder(params.encoder, params.revision),
            params.layer or default_layer(params.encoder),
            context.journal("bertscore", KIND),
            progress.advance,
            context.params.precision,
        )
    found += [Row(answer.clip_id, answer.repeat, value) for (answer, _), value in zip(said, values, strict=True)]
    return found


METRIC = Metric(
    name="bertscore",
    title="BERTScore precision",
    about="BERTScore precision of the answer against the reference caption.",
    rows=rows,
    threshold=0.9,
    params=BertScore,
    default=BertScore(encoder=PACKAGED, layer=6),
    to_reference=True,
)
