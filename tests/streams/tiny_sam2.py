"""Tiny models for video and a tiny detector, random weights, as folders: `python -m tests.streams.tiny_sam2`.

Run with a folder it writes SAM 2, all of SAM 3, and the detector; with the name of one and a clip too, it finds people
with it and prints what it found.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import stages  # noqa: F401  # its hook declares what torchvision lacks

SIZE = 128
#: The same of SAM 3, whose patches are 14 pixels.
SIZE_3 = 112


def write(folder: Path) -> None:
    """Save the models with their processors."""
    import torch

    torch.manual_seed(0)
    write_sam2(folder / "sam2")
    write_detector(folder / "detector")
    write_sam3(folder / "sam3")


def write_sam2(folder: Path) -> None:
    """Save SAM 2 for video."""
    import transformers

    hiera = transformers.Sam2HieraDetConfig(
        hidden_size=16,
        image_size=[SIZE, SIZE],
        blocks_per_stage=[1, 1, 2, 1],
        embed_dim_per_stage=[16, 32, 64, 128],
        num_attention_heads_per_stage=[1, 2, 4, 8],
        window_size_per_stage=[4, 4, 4, 4],
        window_positional_embedding_background_size=[4, 4],
        global_attention_blocks=[3],
    )
    vision = transformers.Sam2VisionConfig(
        backbone_config=hiera,
        backbone_channel_list=[128, 64, 32, 16],
        backbone_feature_sizes=[[SIZE // stride, SIZE // stride] for stride in (4, 8, 16)],
        fpn_hidden_size=128,
    )
    config = transformers.Sam2VideoConfig(
        vision_config=vision,
        prompt_encoder_config={"hidden_size": 128, "image_size": SIZE},
        mask_decoder_config={"hidden_size": 128, "mlp_dim": 64, "iou_head_hidden_dim": 64, "num_attention_heads": 2},
        image_size=SIZE,
        memory_attention_hidden_size=128,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64,
        memory_attention_rope_feat_sizes=[SIZE // 16, SIZE // 16],
        memory_encoder_hidden_size=128,
        memory_encoder_output_channels=64,  # its attention takes no other
        mask_downsampler_embed_dim=128,
        memory_fuser_embed_dim=128,
        memory_fuser_intermediate_dim=64,
    )
    transformers.Sam2VideoModel(config).save_pretrained(folder)
    size = {"height": SIZE, "width": SIZE}
    mask = {"height": SIZE // 4, "width": SIZE // 4}
    processor = transformers.Sam2VideoProcessor(
        transformers.Sam2ImageProcessor(size=size, mask_size=mask),
        transformers.Sam2VideoVideoProcessor(size=size),
        target_size=SIZE,
    )
    processor.save_pretrained(folder)


def write_sam3(folder: Path) -> None:
    """Save SAM 3 as the hub has it: what finds things by words and the tracker, which share most of the vision."""
    import transformers

    grid = SIZE_3 // 14
    vision: dict[str, Any] = {
        "model_type": "sam3_vision_model",
        "backbone_config": {
            "model_type": "sam3_vit_model",
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": SIZE_3,
            "window_size": 4,
            "global_attn_indexes": [1],
            "pretrain_image_size": SIZE_3 // 2,
        },
        "fpn_hidden_size": 128,
        "backbone_feature_sizes": [[times * grid] * 2 for times in (4, 2, 1)],
    }
    tracker = {
        "vision_config": vision,
        "prompt_encoder_config": {"hidden_size": 128, "image_size": SIZE_3, "patch_size": 14},
        "mask_decoder_config": {"hidden_size": 128, "mlp_dim": 32, "iou_head_hidden_dim": 32, "num_attention_heads": 2},
        "image_size": SIZE_3,
        "memory_attention_hidden_size": 128,
        "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": 32,
        "memory_attention_rope_feat_sizes": [grid, grid],
        "memory_encoder_hidden_size": 128,
        "memory_encoder_output_channels": 64,  # its attention takes no other
        "mask_downsampler_embed_dim": 128,
        "memory_fuser_embed_dim": 128,
        "memory_fuser_intermediate_dim": 32,
    }
    small = {"hidden_size": 32, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    detector = {
        "vision_config": vision,
        "text_config": {
            "model_type": "clip_text_model",
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "vocab_size": 64,
            "bos_token_id": 0,
            "eos_token_id": 1,
            "projection_dim": 32,
        },
        "geometry_encoder_config": small,
        "detr_encoder_config": small,
        "detr_decoder_config": {**small, "num_queries": 4},
        "mask_decoder_config": {"hidden_size": 32, "num_attention_heads": 2},
    }
    config = transformers.Sam3VideoConfig(detector_config=detector, tracker_config=tracker)
    transformers.Sam3VideoModel(config).save_pretrained(folder)
    size = {"height": SIZE_3, "width": SIZE_3}
    processor = transformers.Sam3TrackerVideoProcessor(
        transformers.Sam3ImageProcessor(size=size, mask_size={"height": 4 * grid, "width": 4 * grid}),
        transformers.Sam2VideoVideoProcessor(size=size),
        target_size=SIZE_3,
    )
    processor.save_pretrained(folder)


def write_detector(folder: Path) -> None:
    """Save a detector to which all is a person."""
    import torch
    import transformers

    backbone = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    detector = transformers.DetrConfig(
        backbone_config=backbone,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_queries=4,
        id2label={0: "chair", 1: "person"},
        label2id={"chair": 0, "person": 1},
    )
    model = transformers.DetrForObjectDetection(detector)
    with torch.no_grad():
        model.class_labels_classifier.bias[1] = 5.0  # all that it sees is a person
    model.save_pretrained(folder)
    transformers.DetrImageProcessor(size={"shortest_edge": 64, "longest_edge": 96}).save_pretrained(folder)


def main() -> None:
    """Write the models, or find people with them."""
    folder, *words = sys.argv[1:]
    if not words:
        write(Path(folder))
        return
    from stages.streams.finder import Clip
    from stages.streams.params import VideoParams
    from stages.streams.sam2 import Sam2

    params = VideoParams.model_validate(
        {
            "backend": "sam2",
            "name": f"{folder}/{words[0]}",
            "revision": None,
            "detector": {"name": f"{folder}/detector", "revision": None, "threshold": 0.01},
            "people": 2,
        }
    )
    finder = Sam2(params, "cpu")
    path, frames, width, height = words[1:]
    given = Clip("clip", path, int(frames), int(width), int(height))
    images = [image for _, image in given.images()]
    prompt = finder.prompt(images)
    went = [frame for frame, person, _, _ in finder._follow(images, prompt) if person == 0]
    rows = finder.find(given)
    print("prompt", prompt.frame, len(prompt.boxes), "weights", *finder.shapes("clip")["weights"])
    print("went", *went)
    for one in rows:
        print("row", one.track, one.frame, int(one.mask.sum()), *one.box, one.score)


if __name__ == "__main__":
    main()
