"""Tiny models with random weights, of the architectures that the studies name, for tests and `bench`.

Each is a stock transformers class with its real processor, a small tokenizer and a chat template, written with
`save_pretrained` and loaded by path as any other: what runs on them runs on the models of billions of parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from stages.core.torchvision_ops import declare_missing_ops

declare_missing_ops()  # image processors import torchvision

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
    """Return a small byte-level tokenizer that can write any text; `named` are its tokens for media, by attribute."""
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


def _text(words: Any, **more: Any) -> dict[str, Any]:
    return {
        "vocab_size": len(words),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "initializer_range": 0.3,
        "bos_token_id": words.bos_token_id,
        "eos_token_id": words.eos_token_id,
        "pad_token_id": words.pad_token_id,
        **more,
    }


def _vision(**more: Any) -> dict[str, Any]:
    return {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "image_size": 32,
        "patch_size": 8,
        "initializer_range": 0.3,
        **more,
    }


def llama() -> tuple[Any, Any]:
    """Return (config, tokenizer) of a text model."""
    words = tokenizer()
    words.chat_template = template("")
    return transformers.LlamaConfig(**_text(words)), words


def smolvlm() -> tuple[Any, Any]:
    """Return (config, processor) of SmolVLM: images or video, 4 tokens a frame."""
    words = tokenizer(
        image_token="<image>", fake_image_token="<fake_token_around_image>", global_image_token="<global-img>",
        video_token="<video>", end_of_utterance_token="<end_of_utterance>",
    )  # fmt: skip
    config = transformers.SmolVLMConfig(
        text_config={"model_type": "llama", **_text(words)},
        vision_config=_vision(),
        image_token_id=words.convert_tokens_to_ids("<image>"),
        scale_factor=2,
    )
    edge = {"longest_edge": 32}
    videos: Any = transformers.SmolVLMVideoProcessor
    processor = transformers.SmolVLMProcessor(
        transformers.SmolVLMImageProcessor(size=edge, max_image_size=edge, do_image_splitting=False),
        words,
        videos(size=edge, max_image_size=edge, video_sampling={"max_frames": 8, "fps": 1, "video_size": edge}),
        image_seq_len=4,
        chat_template=template("<image>", "<video>"),
    )
    return config, processor


#: Architecture -> what makes its config and processor.
ARCHITECTURES: dict[str, Callable[[], tuple[Any, Any]]] = {"llama": llama, "smolvlm": smolvlm}


def save(architecture: str, folder: Path, seed: int = 0) -> Path:
    """Write a tiny model of an architecture with random weights into `folder` and return the folder."""
    config, processor = ARCHITECTURES[architecture]()
    vision = architecture != "llama"
    kind: Any = transformers.AutoModelForImageTextToText if vision else transformers.AutoModelForCausalLM
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = kind.from_config(config)
    words = getattr(processor, "tokenizer", processor)
    model.generation_config.eos_token_id = words.eos_token_id
    model.generation_config.pad_token_id = words.pad_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
