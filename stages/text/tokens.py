"""Hidden states of each token at one layer of any transformers encoder, as BERTScore takes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from stages.base.errors import InputError
from stages.core.rows import steady
from stages.text.batches import Batch, device, equal_length, over_threads, stacked
from stages.text.encode import Precision

#: Raise it whenever a text's hidden states change: it is part of BERTScore's journal key.
VERSION = 1


def hidden_states(
    folder: Path, layer: int, texts: Sequence[str], precision: Precision = "float32"
) -> Iterator[tuple[str, Any, Any]]:
    """Yield each of the distinct `texts` with its states, tensor (T, D), and its token weights, tensor (T,).

    Model, tokens and weights are those of `bert_score` without idf: the text stripped and truncated to the tokeniser's
    longest input, the layers above `layer` cut off, weight 0 for the tokens that open and close a text, else 1.

    Raises:
        InputError: the encoder has no such layer.
    """
    import torch
    import transformers
    from bert_score.utils import get_model, get_tokenizer, sent_encode

    if not sys.stderr.isatty():
        logging: Any = transformers.utils.logging
        logging.disable_progress_bar()  # a log wants no bars
    where = device()
    try:
        model = steady(get_model(str(folder), layer).to(where, getattr(torch, precision)), where)
    except AssertionError as error:
        raise InputError(str(error), file=folder, key="layer", do="take one of its layers") from None
    tokenizer = get_tokenizer(str(folder))
    longest = getattr(model.config, "max_position_embeddings", None)
    tokenizer.model_max_length = min(tokenizer.model_max_length, longest or tokenizer.model_max_length)
    ids = [torch.tensor(sent_encode(tokenizer, text)) for text in texts]
    features = [{"input_ids": one, "attention_mask": torch.ones_like(one)} for one in ids]
    edges = torch.tensor([tokenizer.cls_token_id, tokenizer.sep_token_id])

    def states(batch: Batch) -> Any:
        return model(**stacked(features, batch, where))[0].cpu()  # (B, T, D)

    for batch, found in over_threads(states, equal_length([len(one) for one in ids]), where):
        for text, state in zip(batch, found, strict=True):
            yield texts[text], state, (~torch.isin(ids[text], edges)).to(state.dtype)
