"""A clip as one vector: the language model's last hidden states at the places of the visual tokens, averaged."""

from __future__ import annotations

from typing import Any

import torch

from stages.base.errors import InputError

#: Where configs keep the token that stands for a visual one in the prompt; InternVL's frames and images share one.
_KEPT = ("image_token_id", "image_token_index", "video_token_id", "video_token_index")


def visual_tokens(config: Any) -> torch.Tensor:
    """Return the ids of the tokens in whose places the model puts what it sees, (n,).

    Raises:
        InputError: the model sees nothing.
    """
    ids = {getattr(config, name, None) for name in _KEPT} - {None}
    if not ids:
        raise InputError(f"{type(config).__name__} has no visual tokens", do="take a model that sees images or video")
    return torch.tensor(sorted(ids))


def pooled(model: Any, tokens: torch.Tensor, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Return the mean over the visual tokens of the last hidden states (after the final norm), (B, width), float32.

    Args:
        model: a transformers model from images or video and text to text.
        tokens: of `visual_tokens`, on the model's device.
        inputs: what its `forward` takes for B prompts of one shape.
    """
    return mean_at(model.base_model(**inputs, use_cache=False).last_hidden_state, inputs["input_ids"], tokens)


def mean_at(hidden: torch.Tensor, ids: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Return the mean of hidden states (B, L, width) where the token ids (B, L) are among `tokens`; (B, width)."""
    wide = torch.promote_types(hidden.dtype, torch.float32)  # float64 stays so until it is summed
    seen = torch.isin(ids, tokens).unsqueeze(-1).to(wide)  # (B, L, 1)
    hidden = hidden.to(seen.device)  # the last layer of a spread model may be on another card than the first
    return ((hidden.to(wide) * seen).sum(1) / seen.sum(1)).float()
