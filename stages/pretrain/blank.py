"""The embedded VLM before training: FastVLM's architecture at a small size, with tokenizer, processor, chat template.

FastVLM (Vasu et al., CVPR 2025) feeds a convolutional vision tower's last map to a language model as tokens: few of
them, and convolutions learn from few clips, which suits a model that has minutes. The tower is transformers' ResNet
with stride 32, so an image of 160 x 128 pixels is 5 x 4 = 20 visual tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPImageProcessor,
    FastVlmConfig,
    FastVlmForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
    Qwen2Config,
    ResNetConfig,
)

from stages.pretrain.params import PretrainParams

STRIDE = 32
IMAGE, USER, ASSISTANT, END, PAD = "<image>", "<user>", "<assistant>", "<end>", "<pad>"

#: A turn is its role's mark, then its images and texts in their order; an answer ends with its own mark. A text of the
#: system has no place.
TEMPLATE = (
    "{% for message in messages %}{% if message['role'] != 'system' %}<{{ message['role'] }}>"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}"
    "{% endif %}{% if message['role'] == 'assistant' %}<end>{% endif %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


class Blank(NamedTuple):
    """A model without knowledge and the processor that goes with it."""

    model: Any
    processor: Any

    @property
    def tokens_an_image(self) -> int:
        """Visual tokens of one image."""
        size = self.processor.image_processor.size
        return int(size["height"] // STRIDE) * int(size["width"] // STRIDE)


def blank(params: PretrainParams, texts: Iterable[str]) -> Blank:
    """Return the untrained model; its weights are drawn from torch's generator, its tokens from `texts`."""
    tokenizer = byte_tokenizer(texts, params.vocabulary)
    width, height = params.size
    images = CLIPImageProcessor(
        size={"height": height, "width": width},
        do_center_crop=False,
        crop_size={"height": height, "width": width},
        image_mean=[0.5, 0.5, 0.5],
        image_std=[0.25, 0.25, 0.25],
    )
    processor = LlavaProcessor(  # type: ignore[no-untyped-call]
        image_processor=images,
        tokenizer=tokenizer,
        patch_size=STRIDE,
        vision_feature_select_strategy="full",
        chat_template=TEMPLATE,
        image_token=IMAGE,
    )
    vision = ResNetConfig(
        embedding_size=params.channels[0], hidden_sizes=params.channels, depths=[2, 2, 2, 2], layer_type="basic"
    )
    ids = {name: tokenizer.convert_tokens_to_ids(token) for name, token in (("eos", END), ("pad", PAD))}
    text = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=params.hidden,
        intermediate_size=3 * params.hidden,
        num_hidden_layers=params.layers,
        num_attention_heads=max(1, params.hidden // 32),
        num_key_value_heads=max(1, params.hidden // 32),
        max_position_embeddings=1024,
        tie_word_embeddings=True,
        eos_token_id=ids["eos"],
        pad_token_id=ids["pad"],
        bos_token_id=None,
    )
    # FastVLM's projector reads the width of a visual token from `hidden_size`, which a ResNet's config does not have.
    vision_dict: dict[str, Any] = {**vision.to_dict(), "hidden_size": params.channels[-1]}  # type: ignore[no-untyped-call]
    config = FastVlmConfig(
        vision_config=vision_dict,
        text_config=text.to_dict(),
        image_token_index=tokenizer.convert_tokens_to_ids(IMAGE),
        tie_word_embeddings=True,
    )
    model: Any = FastVlmForConditionalGeneration(config)
    for part in model.model.vision_tower.modules():
        # As a ResNet starts by itself; FastVLM's own start is that of its linear layers, too small for convolutions.
        if isinstance(part, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(part.weight, mode="fan_out", nonlinearity="relu")
    model.generation_config.eos_token_id = ids["eos"]
    model.generation_config.pad_token_id = ids["pad"]
    return Blank(model.to(torch.float32), processor)


def byte_tokenizer(texts: Iterable[str], size: int) -> Any:
    """Return a byte-level BPE tokenizer trained on texts: any text can be written in it."""
    tokenizer: Any = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [PAD, IMAGE, USER, ASSISTANT, END]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, initial_alphabet=sorted(alphabet))
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, extra_special_tokens={"image_token": IMAGE}
    )
