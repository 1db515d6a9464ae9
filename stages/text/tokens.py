"""Hidden states of each token at one layer of any transformers encoder, as BERTScore takes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from stages.base.errors import InputError
from stages.exact.linear import steady
from stages.text.batches import Batch, device, equal_length, over_threads, stacked
from stages.text.encode import Precision

#: Raise it whenever a text's hidden states change: it is part of BERTScore's journal key.
VERSION = 1

#: Longest input, in tokens, of an encoder that states none: neither its tokeniser nor its config has a limit.
#: 512 is what BERT, RoBERTa and T5 were trained with.
UNSTATED = 512

#: Above this a tokeniser's `model_max_length` is no limit but transformers' sign that none is known.
NO_LIMIT = 10**9

#: Bytes of states that an encoder keeps for texts that are asked for again: methods share their references, and an
#: exchange of answers has no text of its own.
KEPT = 256 << 20

#: Architectures that are loaded as T5 encoders.
T5 = {"t5", "mt5"}

#: Architectures whose first position is behind the padding's.
OFFSET_BY_PADDING = {"roberta", "xlm-roberta", "camembert", "mpnet", "longformer"}


def hidden_states(
    folder: Path, layer: int, texts: Sequence[str], precision: Precision = "float32"
) -> Iterator[tuple[str, Any, Any]]:
    """Yield each of the distinct `texts` with its states, tensor (T, D), and its token weights, tensor (T,).

    Model, tokens and weights are those of `bert_score` without idf: the text stripped and truncated to the encoder's
    longest input (`longest_input`), the layers above `layer` cut off, weight 0 for the tokens that open and close a
    text, else 1.

    Raises:
        InputError: the encoder has no such layer.
    """
    import torch
    from bert_score.utils import sent_encode

    where = device()
    encoder = _encoder(folder, layer, precision, where)
    known = {text: encoder.known[text] for text in texts if text in encoder.known}
    for text, (state, weights) in known.items():
        yield text, state, weights
    texts = [text for text in texts if text not in known]
    ids = [torch.tensor(sent_encode(encoder.tokenizer, text)) for text in texts]
    features = [{"input_ids": one, "attention_mask": torch.ones_like(one)} for one in ids]
    opening = (encoder.tokenizer.cls_token_id, encoder.tokenizer.sep_token_id)
    edges = torch.tensor([token for token in opening if token is not None], dtype=torch.long)

    def states(batch: Batch) -> Any:
        return encoder.model(**stacked(features, batch, where))[0].cpu()  # (B, T, D)

    for batch, found in over_threads(states, equal_length([len(one) for one in ids]), where):
        for index, state in zip(batch, found, strict=True):
            weights = (~torch.isin(ids[index], edges)).to(state.dtype)
            encoder.keep(texts[index], state, weights)
            yield texts[index], state, weights


@dataclass
class _Encoder:
    """A loaded encoder, and the states of texts that it gave before."""

    model: Any
    tokenizer: Any
    known: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    kept: int = 0
    """Bytes of the known states."""

    def keep(self, text: str, state: Any, weights: Any) -> None:
        """Keep a text's states while there is room; a text's states follow from it alone."""
        if self.kept + state.nbytes <= KEPT:
            self.kept += state.nbytes
            self.known[text] = state, weights


@lru_cache(maxsize=1)  # methods are measured one after another, by the same encoder
def _encoder(folder: Path, layer: int, precision: Precision, where: str) -> _Encoder:
    import torch
    import transformers
    from bert_score.utils import get_tokenizer

    from stages.exact.double import double

    if not sys.stderr.isatty():
        logging: Any = transformers.utils.logging
        logging.disable_progress_bar()  # a log wants no bars
    try:
        model = double(steady(_model(folder, layer).to(where, getattr(torch, precision)), where))
    except AssertionError as error:
        raise InputError(str(error), file=folder, key="layer", do="take one of its layers") from None
    tokenizer = get_tokenizer(str(folder))
    tokenizer.model_max_length = longest_input(tokenizer, model.config)
    return _Encoder(model, tokenizer)


def longest_input(tokenizer: Any, config: Any) -> int:
    """Return how many tokens of a text an encoder is given.

    It is the smallest of the limits that tokeniser and config state: the tokeniser's `model_max_length`, the config's
    `max_position_embeddings` less the positions that its padding takes (RoBERTa counts from `pad_token_id` + 1), its
    `n_positions`. transformers writes 1e30 for a tokeniser without a limit, which fast tokenisers cannot take: where no
    limit is stated, it is `UNSTATED`.
    """
    positions = getattr(config, "max_position_embeddings", None)
    if positions and getattr(config, "model_type", "") in OFFSET_BY_PADDING:
        positions -= (config.pad_token_id or 0) + 1
    stated = (tokenizer.model_max_length, positions, getattr(config, "n_positions", None))
    limits = [int(limit) for limit in stated if limit and 0 < limit < NO_LIMIT]
    return min(limits, default=UNSTATED)


class _Place(str):
    """A folder's path; bert_score takes every path with `t5` in it (`/tmp/pytest5/bert`) for a T5 model."""

    def __contains__(self, part: object) -> bool:
        return False


def _model(folder: Path, layer: int) -> Any:
    """Return the encoder with the layers above `layer` cut off, as `bert_score.utils.get_model` does it.

    T5 is told by its config, not by its folder's name, and only its encoder is loaded: a saved encoder has no decoder.
    """
    from bert_score.utils import get_model
    from transformers import AutoConfig, T5EncoderModel

    if AutoConfig.from_pretrained(folder, trust_remote_code=False).model_type not in T5:
        return get_model(_Place(folder), layer)
    loaded: Any = T5EncoderModel.from_pretrained(folder, trust_remote_code=False, use_safetensors=True)
    model = loaded.eval()
    blocks = model.encoder.block
    assert 0 <= layer <= len(blocks), f"layer should be between 0 and {len(blocks)}"
    model.encoder.block = blocks[:layer]
    return model
