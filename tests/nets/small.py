"""Each architecture at a size that a test can train."""

from __future__ import annotations

from typing import Any

from stages.nets.base import Shape
from stages.nets.params import Net

SHAPE = Shape(4, 48, 32)
CLASSES = ["a", "b", "c"]
_VIT = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
OPTIONS: dict[str, dict[str, Any]] = {
    "timesformer": {**_VIT, "patch_size": 16},
    "videomae": {**_VIT, "patch_size": 16},
    "vivit": {**_VIT, "tubelet_size": [2, 16, 16]},
    "swin3d": {"embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4], "window_size": [2, 4, 4]},
    "r2plus1d": {"channels": [8, 8, 16], "over_time": [True, True], "dropout": 0.0},
}
ARCHITECTURES = sorted(OPTIONS)


def net(architecture: str, **changed: Any) -> Net:
    if "weights" not in changed:
        changed.setdefault("options", OPTIONS[architecture])
        if architecture == "r2plus1d":
            changed.setdefault("stem", "convolutions")
    return Net.model_validate({"architecture": architecture, **changed})
