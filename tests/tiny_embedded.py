"""The embedded model's architecture at the size of a test: `blank(TINY, texts)` is such a model with random weights."""

from stages.pretrain.params import PretrainParams

TINY = PretrainParams.model_validate(
    {
        "scene": "home",
        "tables": None,
        "seed": 0,
        "threads": 1,
        "size": [64, 64],
        "channels": [8, 8, 8, 16],
        "hidden": 32,
        "layers": 1,
        "vocabulary": 300,
        "frames": 2,
        "vision": {"steps": 1, "batch": 1, "rate": 0.001, "window": 32, "zoom": [0.7, 1.2], "whole": 0.5},
        "language": {"steps": 1, "batch": 1, "rate": 0.001, "questions": 1, "text_first": 0},
    }
)
