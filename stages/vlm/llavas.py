"""LLaVA and its kin: config and processor of each, as those of `architectures.py`."""

from __future__ import annotations

from typing import Any

import transformers

from stages.vlm.tiny_parts import Part, TinyParts, text_part, vision_part
from stages.vlm.words import template, tokenizer

#: transformers' classes, whose constructors are not typed.
hf: Any = transformers


def llava(text: Part | None = None, vision: Part | None = None) -> TinyParts:
    """LLaVA 1.5: one size of image, all its patches."""
    words = tokenizer(image_token="<image>")
    seen = vision_part(vision)
    side = seen["image_size"]
    config = hf.LlavaConfig(
        text_config={"model_type": "llama", **text_part(words, text)},
        vision_config={"model_type": "clip_vision_model", **seen},
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )
    processor = hf.LlavaProcessor(
        hf.CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side}),
        words,
        patch_size=seen["patch_size"],
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template("<image>\n"),
    )
    return config, processor


def llava_next_video(text: Part | None = None, vision: Part | None = None) -> TinyParts:
    """LLaVA-NeXT-Video: frames of a video, pooled 2 x 2."""
    words = tokenizer(image_token="<image>", video_token="<video>")
    seen = vision_part(vision)
    side = seen["image_size"]
    config = hf.LlavaNextVideoConfig(
        text_config={"model_type": "llama", **text_part(words, text)},
        vision_config={"model_type": "clip_vision_model", **seen},
        image_token_index=words.convert_tokens_to_ids("<image>"),
        video_token_index=words.convert_tokens_to_ids("<video>"),
        image_grid_pinpoints=[[side, 2 * side], [2 * side, side]],
    )
    size = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    processor = hf.LlavaNextVideoProcessor(
        hf.LlavaNextVideoVideoProcessor(**size),
        hf.LlavaNextImageProcessor(**size, image_grid_pinpoints=config.image_grid_pinpoints),
        words,
        chat_template=template("<image>\n", "<video>\n"),
        patch_size=seen["patch_size"],
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
    )
    return config, processor


def video_llava(text: Part | None = None, vision: Part | None = None) -> TinyParts:
    """Video-LLaVA: frames of a video, each with all its patches."""
    words = tokenizer(image_token="<image>", video_token="<video>")
    seen = vision_part(vision)
    side = seen["image_size"]
    config = hf.VideoLlavaConfig(
        text_config={"model_type": "llama", **text_part(words, text)},
        vision_config={"model_type": "clip_vision_model", **seen},
        image_token_index=words.convert_tokens_to_ids("<image>"),
        video_token_index=words.convert_tokens_to_ids("<video>"),
    )
    size = {"size": {"shortest_edge": side}, "crop_size": {"height": side, "width": side}}
    processor = hf.VideoLlavaProcessor(
        hf.VideoLlavaImageProcessor(**size),
        hf.VideoLlavaVideoProcessor(**size),
        words,
        chat_template=template("<image>\n", "<video>\n"),
        patch_size=seen["patch_size"],
    )
    return config, processor
