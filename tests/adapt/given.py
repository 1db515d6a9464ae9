"""What tests of this room are about: every architecture, shown what it takes."""

from stages.adapt.params import LoraParams

#: Architecture, what it is shown, frames.
CASES = [
    ("embedded", "images", 2),
    ("internvl", "images", 2),
    ("internvl", "video", 3),
    ("mllama", "images", 1),
    ("llava_next_video", "video", 3),
    ("video_llava", "video", 3),
    ("smolvlm", "images", 2),
    ("smolvlm", "video", 3),
    ("qwen2_5_vl", "images", 2),
    ("qwen2_5_vl", "video", 4),
]
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]


def lora(**differs: object) -> LoraParams:
    given = {"rank": 4, "alpha": 8, "dropout": 0.0, "targets": ATTENTION, "parts": ["language"]}
    return LoraParams.model_validate(given | differs)
