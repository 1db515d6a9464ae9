"""Looks at all frames of a clip: Radevski's two samplings, crop, colour and flip are the same for all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from stages.base.video.decode import read_frames
from stages.learn.augment import View, draw, placed, seen, views_at_test
from stages.learn.data import Clip
from stages.learn.frames import Store, resized
from stages.learn.params import Augmentation, Pixels, Views
from stages.learn.source import Clips
from stages.simulate.render import encode

DENSE = Pixels(frames=4, size=(28, 28), kept=None, kept_size=(60, 40), sampling="dense", stride=2)
SEGMENTS = Pixels(frames=4, size=(28, 28), kept=None, kept_size=(60, 40), sampling="segments")
CHANGE = Augmentation(
    short=(1.15, 1.43), brightness=0.25, contrast=0.25, saturation=0.25, hue=0.1, order="random", flip=True
)


@pytest.fixture
def clips(tmp_path) -> list[Clip]:
    made = []
    for number, frames in enumerate((5, 12, 31)):
        pictures = np.random.default_rng(number).integers(0, 256, (frames, 40, 60, 3), dtype=np.uint8)
        path = tmp_path / f"{number}.mp4"
        encode(pictures, 5.0, path)
        made.append(Clip(str(number), path, f"md5 {number}", frames, ("x",)))
    return made


def source(clips: list[Clip], pixels: Pixels, **more) -> Clips:
    store = Store(pixels)
    store.keep(clips, 1)
    return Clips(clips, torch.zeros(len(clips), dtype=torch.int64), store, (0, 0, 0), (1, 1, 1), **more)


@pytest.mark.parametrize("pixels", [DENSE, SEGMENTS], ids=["dense", "segments"])
def test_clips_of_any_length_keep_all_their_frames_and_tests_see_the_places_of_the_sampling(clips, pixels):
    look = views_at_test(pixels, Views(aspect="model"))[0]
    shown = source(clips, pixels, look=look).inputs([2, 0, 1], None, torch.device("cpu"))["pixel_values"]
    assert shown.shape == (3, 4, 3, 28, 28)
    for row, index in enumerate([2, 0, 1]):
        frames, _ = read_frames(clips[index].path)
        whole = np.stack([resized(frame, (60, 40), "cover") for frame in frames])
        wanted = {"dense": [[0, 2, 4, 4], [2, 4, 6, 8], [12, 14, 16, 18]], "segments": [[0, 1, 2, 3], [1, 4, 7, 9]]}
        places = wanted[pixels.sampling] + [[4, 11, 18, 26]]
        box = (10 / 60, 0.0, 40 / 60, 1.0)  # the shorter side to the model's, cut at the centre
        alone = seen(torch.from_numpy(whole[places[index]])[None], [View(np.arange(4), box)], (28, 28))
        assert torch.allclose(shown[row], alone[0], atol=1e-6)


def test_kept_frames_survive_the_process(clips):
    first = source(clips, DENSE).store
    again = Store(DENSE)
    assert again.keep(clips, 1) == 0
    assert all(np.array_equal(first.get(clip), again.get(clip)) for clip in clips)


def test_training_looks_change_with_the_epoch_and_follow_from_seed_and_clip_alone(clips):
    bound = source(clips, DENSE, change=CHANGE)
    one = bound.inputs([0, 2], 1, torch.device("cpu"))["pixel_values"]
    assert torch.equal(one, bound.inputs([2, 0], 1, torch.device("cpu"))["pixel_values"].flip(0))
    assert not torch.equal(one, bound.inputs([0, 2], 2, torch.device("cpu"))["pixel_values"])
    assert one.min() >= 0
    assert one.max() <= 1


def test_crops_are_of_the_models_size_out_of_a_frame_whose_short_side_is_larger_by_the_factor():
    factors, flips = [], 0
    for seed in range(200):
        left, top, width, height = draw(DENSE, CHANGE, np.random.default_rng(seed), 20).box
        flips += width < 0
        across, down = abs(width), height
        short = 28 / down  # of the frame that the crop of 28 x 28 is cut out of
        assert short == pytest.approx(int(short + 1e-6))
        assert across * 60 == pytest.approx(down * 40)  # in its own aspect
        assert 0 <= min(left, left + width) <= max(left, left + width) <= 1 + 1e-9
        assert 0 <= top <= top + height <= 1 + 1e-9
        factors.append(short / 28)
    assert int(28 * 1.15) / 28 <= min(factors) < 1.18
    assert 1.38 < max(factors) <= 1.43
    assert 70 < flips < 130


def test_colour_is_changed_as_torchvision_does_in_the_drawn_order_the_same_for_every_frame():
    picture = np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    clip = torch.from_numpy(np.stack([picture] * 4))[None]
    from torchvision.transforms.v2 import functional as V  # once `stages` has declared what a build of it lacks

    orders = set()
    for seed in range(40):
        look = draw(DENSE, CHANGE, np.random.default_rng(seed), 20)._replace(box=(0.0, 0.0, 1.0, 1.0))
        orders.add(look.order)
        assert abs(look.hue) <= 0.1
        assert all(0.75 <= factor <= 1.25 for factor in look.light[:3])
        wanted = torch.from_numpy(picture).permute(2, 0, 1).float() / 255
        changes = [V.adjust_brightness, V.adjust_contrast, V.adjust_saturation, V.adjust_hue]
        for change in look.order:
            wanted = changes[change](wanted, (*look.light[:3], look.hue)[change])
        found = seen(clip, [look], (28, 28))[0]
        assert all(torch.allclose(frame, wanted, atol=1e-6) for frame in found)
    assert len(orders) > 10


def test_several_looks_in_time():
    early, late = (placed(look, DENSE, 31).places for look in views_at_test(DENSE, Views(times=2)))
    assert early[0] < late[0]
    early, late = (placed(look, SEGMENTS, 31).places for look in views_at_test(SEGMENTS, Views(times=2)))
    assert np.all(early < late)


def test_fields_that_came_later_leave_keys_and_cards_of_what_was_made_before_as_they_are():
    """A dump is part of a run's key, and stands in its card."""
    old = Pixels(frames=4, size=(28, 28), kept=4, kept_size=(60, 40))
    assert set(old.model_dump(mode="json")) == {"frames", "window", "size", "kept", "kept_size", "fit"}
    assert {"sampling", "stride"} < set(DENSE.model_dump(mode="json"))
    assert not {"short", "hue", "order"} & set(Augmentation().model_dump(mode="json"))
    assert {"short", "hue", "order"} < set(CHANGE.model_dump(mode="json"))
    assert "aspect" not in Views().model_dump(mode="json")


@pytest.mark.parametrize(
    ("kind", "changed", "said"),
    [
        (Pixels, {"sampling": "dense", "kept": 8}, "kept: null"),
        (Pixels, {"kept": None}, "kept: null"),
        (Pixels, {"sampling": "dense", "kept": None, "window": 0.5}, "window belongs to"),
        (Pixels, {"sampling": "segments", "kept": None, "stride": 2}, "stride belongs to"),
        (Augmentation, {"hue": 0.1}, "order: random"),
        (Augmentation, {"short": (0.9, 1.2)}, "from 1 on"),
        (Augmentation, {"short": (1.1, 1.2), "crop": (0.5, 1)}, "instead of crop"),
        (Augmentation, {"short": (1.4, 1.2)}, "the smaller comes first"),
    ],
)
def test_params_that_contradict_each_other_are_refused(kind, changed, said):
    given = {"frames": 4, "size": (28, 28), "kept": 4, "kept_size": (60, 40)} if kind is Pixels else {}
    with pytest.raises(ValidationError, match=said):
        kind(**{**given, **changed})
