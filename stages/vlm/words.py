"""A small tokenizer that can write any text, and a chat template, for models made in tests and in `bench`."""

from __future__ import annotations

from typing import Any

import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

_TEXT = """A person sits down on a chair. A man gets up, walks to the table and drinks water from a cup.
The woman enters the room, leaves the bag and reads a book. Does the clip show someone cooking? Yes. No. True. False.
Describe the activity of the person in the picture in one sentence. Someone is using a laptop or watching TV."""

_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{% if message['content'] is string %}"
    "{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% elif part['type'] == 'video' %}VIDEO{% else %}{{ part['text'] }}"
    "{% endif %}{% endfor %}{% endif %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def tokenizer(**named: str) -> Any:
    """Return a byte-level tokenizer of at most 480 tokens; `named` are its tokens for media, by attribute."""
    bare: Any = Tokenizer(models.BPE())
    bare.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bare.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|begin|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    trainer = trainers.BpeTrainer(
        vocab_size=480,
        special_tokens=[*special, *named.values()],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bare.train_from_iterator([_TEXT], trainer)
    kind: Any = transformers.PreTrainedTokenizerFast
    return kind(
        tokenizer_object=bare,
        pad_token="<|pad|>",
        bos_token="<|begin|>",
        eos_token="<|end|>",
        extra_special_tokens=named,
    )


def template(image: str, video: str = "") -> str:
    """Return a chat template with the placeholders of the model's media."""
    return _TEMPLATE.replace("IMAGE", image).replace("VIDEO", video)
