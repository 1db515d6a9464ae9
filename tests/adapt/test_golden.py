"""Features are journalled under a key that has the integer VERSION: it must rise when a clip gets another feature."""

import json
from pathlib import Path
from typing import Any

import pytest

from stages.adapt.features import VERSION, _computed, unpacked
from stages.vlm.base import Request
from tests.adapt.test_lora import local
from tests.vlm.given import media

GOLDEN = Path(__file__).with_name("golden.json")


def found(tiny_model: Any) -> dict[str, Any]:
    """Return what `golden.json` holds, as it is now; to write it anew, dump this."""
    features = {}
    for name, kind, frames in (("smolvlm", "images", 2), ("llava_next_video", "video", 3)):
        backend = local(tiny_model(name))
        ((_, value),) = _computed(backend, [Request("Describe", media(kind, frames, 0))], [])
        features[name] = [round(float(one), 3) for one in unpacked(value)[:8]]
    return {"version": VERSION, "libraries": backend.shape()["libraries"], "features": features}


def test_features_are_those_of_this_version(tiny_model: Any) -> None:
    golden, now = json.loads(GOLDEN.read_text()), found(tiny_model)
    if now["libraries"] != golden["libraries"]:
        pytest.skip(f"golden features are of {golden['libraries']}, installed are {now['libraries']}")
    assert golden["version"] == VERSION, "write golden.json anew for the new VERSION"
    for name, values in golden["features"].items():
        assert now["features"][name] == pytest.approx(values, abs=2e-3), (
            "features changed: raise VERSION in stages/adapt/features.py and write golden.json anew"
        )
