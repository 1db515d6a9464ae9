"""Config and processor of each architecture that the studies name, at a tiny size or at that of a real model.

Each function takes the parts of the text and vision configs that differ from the tiny ones and returns
(config, processor); the processor's sizes follow from the config. `tiny.py` makes models of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import transformers

from stages.vlm.llavas import llava, llava_next_video, video_llava
from stages.vlm.tiny_parts import Part, TinyParts, text_part, vision_part
from stages.vlm.words import template, tokenizer

#: transformers' classes, whose constructors are not typed.
hf: Any = transformers


def llama(text: Part | None = None, vision: Part | None = None) -> TinyParts:
    """A text model, such as a judge of captions."""
    words = tokenizer()
    words.chat_template = template("")
    return hf.LlamaConfig(**text_part(words, text)), words


def internvl(text: Part | None = None, vision: Part | None = None) -> TinyParts:
    """InternVL 3 as transformers has it: an image is cut into tiles of one size, a video frame is one tile."""
    words = tokenizer(
        start_image_token="<img>", end_image_token="</img>", context_image_token="<IMG_CONTEXT>", video_token="<video>"
    )
    config = hf.InternVLConfig(
        text_config={"model_type": "qwen2", **text_part(words, text)},
        vision_config=vision_part(vision),
        image_token_id=words.convert_tokens_to_ids("<IMG_CONTEXT>"),
        tie_word_embeddings=False,
    )
    side, patch = config.vision_config.image_size[0], config.vision_config.patch_size[0]
    size = {"height": side, "width": side}
    processor = hf.InternVLProcessor(
        hf.GotOcr2ImageProcessor(size=size, min_patches=1, max_patches=12),
        words,
        hf.InternVLVideoProcessor(size=size),
        image_seq_length=(side // patch // 2) ** 2,
        chat_template=template("<IMG_CONTEXT>\n", "<video>\n"),
    )
    return config, processor


def mllama(text: Part | None = None, vision: Part | None = None) -> TinyParts:
    """Llama 3.2 Vision: one image, read by cross-attention layers."""
    words = tokenizer(image_token="<|image|>")
    seen = vision_part(
        {"num_global_layers": 1, "vision_output_dim": 64, "intermediate_layers_indices": [0]} | (vision or {})
    )
    seen["attention_heads"] = seen.pop("num_attention_heads")
    config = hf.MllamaConfig(
        text_config=text_part(words, {"cross_attention_layers": [1]} | (text or {})),
        vision_config=seen,
        image_token_index=words.convert_tokens_to_ids("<|image|>"),
    )
    side = config.vision_config.image_size
    images = hf.MllamaImageProcessor(size={"height": side, "width": side}, max_image_tiles=4)
    return config, hf.MllamaProcessor(images, words, chat_template=template("<|image|>"))


def smolvlm(text: Part | None = None, vision: Part | None = None) -> TinyParts:
    """SmolVLM: images or video, few tokens a frame."""
    words = tokenizer(
        image_token="<image>",
        fake_image_token="<fake_token_around_image>",
        global_image_token="<global-img>",
        video_token="<video>",
        end_of_utterance_token="<end_of_utterance>",
    )
    seen = vision_part(vision)
    config = hf.SmolVLMConfig(
        text_config={"model_type": "llama", **text_part(words, text)},
        vision_config=seen,
        image_token_id=words.convert_tokens_to_ids("<image>"),
        scale_factor=2,
    )
    edge = {"longest_edge": seen["image_size"]}
    sampling = {"max_frames": 8, "fps": 1, "video_size": edge}
    processor = hf.SmolVLMProcessor(
        hf.SmolVLMImageProcessor(size=edge, max_image_size=edge, do_image_splitting=False),
        words,
        hf.SmolVLMVideoProcessor(size=edge, max_image_size=edge, video_sampling=sampling),
        image_seq_len=(seen["image_size"] // seen["patch_size"] // 2) ** 2,
        chat_template=template("<image>", "<video>"),
    )
    return config, processor


def idefics3(text: Part | None = None, vision: Part | None = None) -> TinyParts:
    """Idefics3: images, few tokens each; SmolVLM's ancestor."""
    words = tokenizer(
        image_token="<image>",
        fake_image_token="<fake_token_around_image>",
        global_image_token="<global-img>",
        end_of_utterance_token="<end_of_utterance>",
    )
    seen = vision_part(vision)
    config = hf.Idefics3Config(
        text_config={"model_type": "llama", **text_part(words, text)},
        vision_config=seen,
        image_token_id=words.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=words.pad_token_id,
    )
    edge = {"longest_edge": seen["image_size"]}
    processor = hf.Idefics3Processor(
        hf.Idefics3ImageProcessor(size=edge, max_image_size=edge, do_image_splitting=False),
        words,
        image_seq_len=(seen["image_size"] // seen["patch_size"] // 2) ** 2,
        chat_template=template("<image>"),
    )
    return config, processor


def qwen2_5_vl(text: Part | None = None, vision: Part | None = None) -> TinyParts:
    """Qwen2.5-VL: images and video at their own size, windowed attention, positions in time, height and width."""
    words = tokenizer(
        image_token="<|image_pad|>",
        video_token="<|video_pad|>",
        vision_start_token="<|vision_start|>",
        vision_end_token="<|vision_end|>",
    )
    ids = words.convert_tokens_to_ids
    seen = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 4,
        "patch_size": 8,
        "window_size": 32,
        "out_hidden_size": 32,
        "fullatt_block_indexes": [1],
        "initializer_range": 0.3,
    } | (vision or {})
    config = hf.Qwen2_5_VLConfig(
        text_config=text_part(
            words, {"rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2]}} | (text or {})
        ),
        vision_config=seen,
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
    )
    area = {"shortest_edge": 16 * 16, "longest_edge": 64 * 64}
    processor = hf.Qwen2_5_VLProcessor(
        hf.Qwen2VLImageProcessor(patch_size=seen["patch_size"], size=area),
        words,
        hf.Qwen2VLVideoProcessor(patch_size=seen["patch_size"], size=area),
        chat_template=template(
            "<|vision_start|><|image_pad|><|vision_end|>", "<|vision_start|><|video_pad|><|vision_end|>"
        ),
    )
    return config, processor


def qwen3_vl(text: Part | None = None, vision: Part | None = None) -> TinyParts:
    """Qwen3-VL: as Qwen2.5-VL, without windows; features of several depths of the tower, times written as text."""
    words = tokenizer(
        image_token="<|image_pad|>",
        video_token="<|video_pad|>",
        vision_start_token="<|vision_start|>",
        vision_end_token="<|vision_end|>",
    )
    ids = words.convert_tokens_to_ids
    seen = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 4,
        "patch_size": 8,
        "out_hidden_size": 32,
        "deepstack_visual_indexes": [0],
        "num_position_embeddings": 64,
        "initializer_range": 0.3,
    } | (vision or {})
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "mrope_interleaved": True, "rope_theta": 10000.0}
    config = hf.Qwen3VLConfig(
        text_config=text_part(words, {"rope_parameters": rope, "head_dim": 8} | (text or {})),
        vision_config=seen,
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
    )
    area = {"shortest_edge": 16 * 16, "longest_edge": 64 * 64}
    processor = hf.Qwen3VLProcessor(
        hf.Qwen2VLImageProcessor(patch_size=seen["patch_size"], size=area),
        words,
        hf.Qwen3VLVideoProcessor(patch_size=seen["patch_size"], size=area),
        chat_template=template(
            "<|vision_start|><|image_pad|><|vision_end|>", "<|vision_start|><|video_pad|><|vision_end|>"
        ),
    )
    return config, processor


#: Name -> what makes its config and processor.
ARCHITECTURES: dict[str, Callable[..., TinyParts]] = {
    made.__name__: made
    for made in (
        llama,
        internvl,
        mllama,
        llava,
        llava_next_video,
        video_llava,
        idefics3,
        smolvlm,
        qwen2_5_vl,
        qwen3_vl,
    )
}
