"""A tiny SAM 2 for video and a tiny detector with random weights, as folders: `python -m tests.streams.tiny_sam2`.

Run with a folder it writes both; with a clip too, it finds people with them and prints what it found.
"""

from __future__ import annotations

import sys
from pathlib import Path

import stages  # noqa: F401  # its hook declares what torchvision lacks

SIZE = 128


def write(folder: Path) -> None:
    """Save both models with their processors."""
    import torch
    import transformers

    torch.manual_seed(0)
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
    transformers.Sam2VideoModel(config).save_pretrained(folder / "sam2")
    size = {"height": SIZE, "width": SIZE}
    mask = {"height": SIZE // 4, "width": SIZE // 4}
    processor = transformers.Sam2VideoProcessor(
        transformers.Sam2ImageProcessor(size=size, mask_size=mask),
        transformers.Sam2VideoVideoProcessor(size=size),
        target_size=SIZE,
    )
    processor.save_pretrained(folder / "sam2")

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
    model.save_pretrained(folder / "detector")
    transformers.DetrImageProcessor(size={"shortest_edge": 64, "longest_edge": 96}).save_pretrained(folder / "detector")


def main() -> None:
    """Write the models, or find people with them."""
    folder, *clip = sys.argv[1:]
    if not clip:
        write(Path(folder))
        return
    from stages.streams.finder import Clip
    from stages.streams.params import VideoParams
    from stages.streams.sam2 import Sam2

    params = VideoParams.model_validate(
        {
            "backend": "sam2",
            "name": f"{folder}/sam2",
            "revision": None,
            "detector": {"name": f"{folder}/detector", "revision": None, "threshold": 0.01},
            "people": 2,
        }
    )
    finder = Sam2(params, "cpu")
    path, frames, width, height = clip
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
