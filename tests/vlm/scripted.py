"""A stock transformers model that says what it is told to: each token of its text is followed by the next.

Its layers add nothing, its embedding tells tokens apart and its head maps each to its follower, so that it writes one
text whatever it is asked. It lets a test see what the local back end makes of tags that no random model writes.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import transformers

from stages.vlm import words

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>OPENS{% endif %}"
)


def save(folder: Path, text: str, *tags: str, special: bool = True, opens: str = "") -> Path:
    """Write a model that says `text` into `folder`; no token of it may come twice.

    Args:
        folder: where to.
        text: what it says, then it ends.
        tags: parts of it that are a token each.
        special: they are special tokens, which decoding may drop.
        opens: what the chat template writes behind the assistant's turn; the model goes on behind it.
    """
    tokenizer = words.tokenizer(**{f"tag_{number}": tag for number, tag in enumerate(tags) if special})
    tokenizer.add_tokens([tag for tag in tags if not special])
    tokenizer.chat_template = TEMPLATE.replace("OPENS", opens)
    said = tokenizer(opens + text, add_special_tokens=False)["input_ids"]
    said = [tokenizer.convert_tokens_to_ids("<|assistant|>"), *said, tokenizer.convert_tokens_to_ids("<|end|>")]
    assert len(set(said)) == len(said), f"a token comes twice in {tokenizer.convert_ids_to_tokens(said)}"
    size = len(tokenizer)
    config = transformers.LlamaConfig(
        vocab_size=size,
        hidden_size=512,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        num_key_value_heads=1,
        max_position_embeddings=512,
        eos_token_id=said[-1],
        pad_token_id=0,
        tie_word_embeddings=False,
    )
    model: Any = transformers.LlamaForCausalLM(config)
    for parameter in model.parameters():
        parameter.data.zero_()
    model.model.norm.weight.data.fill_(1.0)
    model.model.embed_tokens.weight.data[:, :size] = torch.eye(size)
    for token, following in pairwise(said):
        model.lm_head.weight.data[following, token] = 1.0
    model.generation_config.eos_token_id = said[-1]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
