"""The pose model: crops as transformers cuts them, left and right in a mirror, heatmaps, learning, a killed run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.pretrain import pose
from stages.pretrain.keeping import Keeper, run_key
from stages.pretrain.params import PoseParams, PoseRecipe
from stages.pretrain.pose_clips import People, read_people
from stages.pretrain.pose_crops import cut, drawn, heatmaps, windows
from stages.simulate.make import make as render
from stages.simulate.params import Scene
from tests.interact.small import POSE
from tests.once import once

SCENE = Scene(
    seed=1,
    clips=8,
    fps=4,
    size=(96, 80),
    seconds=(1, 1.5),
    subjects=[50, 51, 52, 53],
    cameras=[11, 12],
    rooms=2,
    activities=["Walk", "Drink_Fromcup"],
    style="pretrain",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    def make(folder) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            render(SCENE, Run("pretrain"), 1, lambda _: None)

    return once(tmp_path_factory, "pose_scene", make) / "data"


@pytest.fixture(scope="module")
def people(data) -> People:
    return read_people(data / "pretrain", 2, 2)[0]


def still(**changed) -> PoseRecipe:
    """Return a recipe that changes no crop."""
    return POSE.model_copy(update={"zoom": (1.0, 1.0), "shift": 0.0, "masked": 0.0} | changed)


def test_a_crop_is_that_of_transformers_own_processor(people):
    _, processor = pose.blank(POSE)
    images = [image.permute(1, 2, 0).numpy() for image in people.pixels[:6]]
    boxes = [[box.tolist()] for box in people.boxes[:6]]
    theirs = processor(images, boxes=boxes, return_tensors="pt")["pixel_values"]
    centre, extent = windows(people.boxes[:6], POSE.size)
    crops = cut(people.pixels[:6], people.joints[:6], centre, extent, POSE.size)
    difference = (pose.normalised(crops.pixels, processor) - theirs).abs() * torch.tensor(processor.image_std).view(
        3, 1, 1
    )
    # Theirs are whole numbers, and beyond the image's edge theirs stay black where ours fade.
    assert float((difference * 255 < 1.01).float().mean()) > 0.97


def test_joints_go_where_their_pixels_go(people):
    """A dot on a joint is the brightest pixel of the crop where the crop's joint is."""
    count = min(8, len(people))
    dotted = torch.zeros_like(people.pixels[:count]).float()
    joint = people.joints[:count, 0].round().long()
    inside = ((joint >= 2) & (joint < torch.tensor([94, 78]))).all(1)
    for row, (x, y) in enumerate(joint.tolist()):
        if inside[row]:
            dotted[row, :, y - 1 : y + 2, x - 1 : x + 2] = 255
    moved = replace(people.some(torch.arange(len(people)) < count), pixels=dotted)
    crops = drawn(moved, torch.arange(count), still(size=(48, 64)), torch.Generator().manual_seed(3))
    seen = crops.pixels.mean(1).flatten(1)
    peak = torch.stack([seen.argmax(1) % 48, seen.argmax(1) // 48], 1).float()
    assert inside.sum() >= 4
    assert ((peak - crops.joints[:, 0]).abs().amax(1)[inside] < 2.5).all()


def test_in_a_mirror_left_is_right(people):
    recipe, one = still(), torch.zeros(64, dtype=torch.long)
    crops = drawn(people, one, recipe, torch.Generator().manual_seed(0))
    centre, extent = windows(people.boxes[:1], recipe.size)
    plain = cut(people.pixels[:1], people.joints[:1], centre, extent, recipe.size).joints[0]
    flipped = [not torch.allclose(joints, plain, atol=1e-3) for joints in crops.joints]
    assert 16 < sum(flipped) < 48
    mirrored = crops.joints[flipped.index(True)]
    last = recipe.size[0] - 1
    assert torch.allclose(mirrored[5], torch.stack([last - plain[6, 0], plain[6, 1]]), atol=1e-3)
    assert torch.allclose(mirrored[0], torch.stack([last - plain[0, 0], plain[0, 1]]), atol=1e-3)


def test_transformers_reads_a_heatmap_as_the_joint_it_was_drawn_for(people):
    recipe = still(size=(48, 64), patch=8, finer=4)
    _, processor = pose.blank(recipe)
    centre, extent = windows(people.boxes[:4], recipe.size)
    crops = cut(people.pixels[:4], people.joints[:4], centre, extent, recipe.size)
    drawn_maps = heatmaps(crops.joints, recipe.size, (24, 32), 1.5)

    class Outputs:
        heatmaps = drawn_maps.wanted

    found = processor.post_process_pose_estimation(Outputs(), boxes=[[box.tolist()] for box in people.boxes[:4]])
    for row in range(4):
        kept = drawn_maps.inside[row]
        away = (found[row][0]["keypoints"] - people.joints[row]).norm(dim=1)[kept]
        assert float(away.max()) < 1.0, away  # pixels of the frame


def test_a_masked_crop_shows_the_person_alone(people):
    crops = drawn(people, torch.arange(8), still(masked=1.0), torch.Generator().manual_seed(0))
    open_crops = drawn(people, torch.arange(8), still(), torch.Generator().manual_seed(0))
    black = [float((one.pixels.sum(1) == 0).float().mean()) for one in (crops, open_crops)]
    assert black[0] > black[1] + 0.2


def test_it_learns_a_few_people_by_heart(people):
    recipe = still(size=(32, 48), patch=8, hidden=48, heads=4, steps=150, batch=8, rate=0.004)
    torch.manual_seed(0)
    model, processor = pose.blank(recipe)
    few = people.some(torch.arange(len(people)) < 6)
    before = pose.score(model.eval(), processor, few, recipe.size)
    pose.train(model, processor, few, recipe, Keeper("none", 1e9))
    after = pose.score(model, processor, few, recipe.size)
    assert after[1] > max(0.8, before[1] + 0.3), (before, after)


def test_subjects_are_on_one_side_and_a_scene_of_one_is_refused(data):
    learnt, held = read_people(data / "pretrain", 2, 2)
    assert len(learnt) > 0
    assert len(held) > 0
    assert read_people(data / "pretrain", 2, 4)[1].pixels.shape[0] < len(held)
    with pytest.raises(InputError, match="nobody is seen in one of its two parts"):
        read_people(data / "pretrain", 2, 5)
    with pytest.raises(InputError, match="no such scene"):
        read_people(data / "nowhere", 2, 2)


def test_killed_and_continued_it_is_the_same_and_transformers_loads_it(data, tmp_path, monkeypatch):
    from transformers import VitPoseForPoseEstimation

    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "journal"))
    params = PoseParams(**POSE.model_dump() | {"steps": 6}, scene="pretrain")
    whole = pose.make(params, data, tmp_path / "whole", 0.0)
    assert whole.cached == 0

    taken = iter((False, True))

    def stop(_: int) -> None:
        if next(taken):
            raise KeyboardInterrupt

    learnt, _ = read_people(data / "pretrain", params.frames, params.held)
    torch.manual_seed(params.seed)
    model, processor = pose.blank(params)
    with pytest.raises(KeyboardInterrupt):
        pose.train(model, processor, learnt, params, Keeper(run_key(params, learnt), 0.0), stop)
    again = pose.make(params, data, tmp_path / "again", 0.0)
    assert again.cached == 1
    assert again[:2] == whole[:2]
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert names == ["README.md", "config.json", "model.safetensors", "preprocessor_config.json"]
    assert all((tmp_path / "whole" / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in names)
    loaded = VitPoseForPoseEstimation.from_pretrained(tmp_path / "whole").eval()
    assert loaded(torch.zeros(1, 3, 32, 24)).heatmaps.shape == (1, 17, 8, 6)
    assert np.isfinite(whole.found).all()
