"""SAM 2 and SAM 3 for video with random weights, in processes of their own: what they find is of the clip's size."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from stages.base.errors import InputError
from stages.streams.params import VideoParams
from stages.streams.sam2 import Sam2
from tests.conftest import ROOT
from tests.once import once
from tests.streams.drawn import clip, drawn, stands, walks

pytestmark = pytest.mark.slow
FRAMES = 5


def fresh(*arguments: object) -> str:
    """Run the tiny models' command line in a new process."""
    command = [sys.executable, "-m", "tests.streams.tiny_sam2", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return once(tmp_path_factory, "tiny_sam2", fresh)


def params(models: Path, **changes: object) -> VideoParams:
    block = {"backend": "sam2", "name": str(models / "sam2"), "revision": None, **changes}
    detector = {"name": str(models / "detector"), "revision": None, "threshold": 0.01}
    return VideoParams.model_validate({"detector": detector, **block})


@pytest.mark.parametrize("name", ["sam2", "sam3"])
def test_boxes_on_one_frame_are_followed_both_ways(models: Path, tmp_path: Path, name: str) -> None:
    made = clip(tmp_path, drawn([stands(50), walks(150, -2)], FRAMES)[0])
    first, second, *rows = fresh(models, name, made.path, made.frames, made.width, made.height).splitlines()
    place, boxes = (int(word) for word in first.split()[1:3])
    assert boxes == 2
    assert 0 < place < FRAMES - 1, "else one of both ways was not gone"
    assert [int(frame) for frame in second.split()[1:]] == [*range(place, FRAMES), *range(place, -1, -1)]
    found = [line.split()[1:] for line in rows]
    places = [(int(person), int(frame)) for person, frame, *_ in found]
    assert places, "random masks are not all empty"
    assert len(places) == len(set(places)), "the prompt's frame is passed in both directions and is one row"
    assert set(places) <= {(person, frame) for person in range(2) for frame in range(FRAMES)}
    for _, _, pixels, left, top, right, bottom, score in found:
        assert 0 < int(pixels) <= (int(right) - int(left)) * (int(bottom) - int(top)) <= made.width * made.height
        assert 0 < float(score) < 1


def test_a_checkpoint_that_lacks_weights_is_refused(models: Path, tmp_path: Path) -> None:
    """Of SAM 3 the tracker is loaded, and most of its vision lies with what finds things by words."""
    made = clip(tmp_path, drawn([stands(50)], FRAMES)[0])
    shutil.copytree(models / "sam3", tmp_path / "sam3")
    file = tmp_path / "sam3/model.safetensors"
    weights = load_file(file)
    save_file({name: one for name, one in weights.items() if ".vision_encoder.backbone." not in name}, file)
    with pytest.raises(InputError, match=r"of its weights are missing: vision_encoder\.backbone"):
        Sam2(params(models, name=str(tmp_path / "sam3")), "cpu").find(made)


def test_what_identifies_the_weights_is_in_the_key(models: Path) -> None:
    shapes = Sam2(params(models), "cpu").shapes("clip")
    assert [len(one) for one in shapes["weights"]] == [32, 32]
    assert shapes["weights"][0] != shapes["weights"][1]
    assert {"torch", "transformers"} <= set(shapes)


def test_what_cannot_be_used_is_said(models: Path, tmp_path: Path) -> None:
    made = clip(tmp_path, drawn([stands(50)], FRAMES)[0])
    with pytest.raises(InputError, match="5 frames, more than 4"):
        Sam2(params(models, frames=4), "cpu").find(made)
    with pytest.raises(InputError, match="no such folder"):
        Sam2(params(models, name="./nowhere"), "cpu").shapes("clip")
    lacking = {"name": str(models / "detector"), "revision": None, "label": "cat"}
    with pytest.raises(InputError, match="it has no class 'cat'"):
        Sam2(params(models, detector=lacking), "cpu").find(made)
    with pytest.raises(InputError, match="its architecture is detr"):
        Sam2(params(models, name=str(models / "detector")), "cpu").find(made)
