"""The fields of a tiny text and a tiny vision config that most architectures share."""

from __future__ import annotations

from typing import Any

#: A config and the processor that fits it.
TinyParts = tuple[Any, Any]
#: Fields of one part's config.
Part = dict[str, Any]


def text_part(words: Any, differs: Part | None) -> Part:
    """Return a tiny text config with a tokenizer's ids; `differs` replaces fields."""
    return {
        "vocab_size": len(words),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        # Large enough that an image changes the words.
        "initializer_range": 0.3,
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
    } | (differs or {})


def vision_part(differs: Part | None) -> Part:
    """Return a tiny vision config; `differs` replaces fields."""
    return {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 32,
        "patch_size": 8,
        "initializer_range": 0.3,
    } | (differs or {})
