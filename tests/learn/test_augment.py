"""Looks at a clip: which frames, which part, which light."""

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from stages.learn.augment import View, draw, places, seen, views_at_test
from stages.learn.params import Augmentation, Pixels, Views

PIXELS = Pixels(frames=4, size=(12, 8), kept=8, kept_size=(24, 16))
EVERYTHING = Augmentation(
    crop=(0.3, 0.9), ratio=(0.8, 1.25), flip=True, brightness=0.3, contrast=0.3, saturation=0.5, tint=0.1, jitter=True
)


def clip(frames: int = 4, seed: int = 0) -> torch.Tensor:
    """(1, T, 16, 24, 3), each frame the same picture: what differs afterwards, an augmentation did."""
    picture = np.random.default_rng(seed).integers(0, 256, (16, 24, 3), dtype=np.uint8)
    return torch.from_numpy(np.stack([picture] * frames))[None]


def test_every_frame_of_a_clip_undergoes_the_same():
    for seed in range(20):
        look = draw(PIXELS, EVERYTHING, np.random.default_rng(seed))
        images = seen(clip(), [look], PIXELS.size)
        assert images.shape == (1, 4, 3, 8, 12)
        assert all(torch.equal(images[0, 0], images[0, t]) for t in range(4))
        assert images.min() >= 0
        assert images.max() <= 1


def test_clips_of_a_batch_undergo_what_they_would_alone():
    drawn = [draw(PIXELS, EVERYTHING, np.random.default_rng(seed)) for seed in range(3)]
    clips = [clip(seed=seed) for seed in range(3)]
    together = seen(torch.cat(clips), drawn, PIXELS.size)
    alone = [seen(one, [look], PIXELS.size) for one, look in zip(clips, drawn, strict=True)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)


def test_without_augmentation_nothing_changes():
    look = draw(PIXELS.model_copy(update={"size": (24, 16)}), Augmentation(), np.random.default_rng(0))
    assert look.box == (0, 0, 1, 1)
    assert torch.equal(seen(clip(), [look], (24, 16)), clip().permute(0, 1, 4, 2, 3).float() / 255)


def test_flip_mirrors_half_of_the_clips_and_only_if_asked():
    drawn = [draw(PIXELS, Augmentation(flip=True), np.random.default_rng(seed)).box for seed in range(200)]
    mirrored = [box for box in drawn if box[2] < 0]
    assert 70 < len(mirrored) < 130
    assert set(mirrored) == {(1.0, 0.0, -1.0, 1.0)}
    flipped = seen(clip(), [View(np.arange(4), (1.0, 0.0, -1.0, 1.0))], (24, 16))
    assert torch.allclose(flipped, clip().permute(0, 1, 4, 2, 3).float().flip(-1) / 255, atol=1e-5)
    assert all(
        draw(PIXELS, EVERYTHING.model_copy(update={"flip": False}), np.random.default_rng(seed)).box[2] > 0
        for seed in range(50)
    )


def test_crops_lie_within_the_frame_and_have_the_area_asked_for():
    for seed in range(200):
        left, top, width, height = draw(PIXELS, EVERYTHING, np.random.default_rng(seed)).box
        low, high = min(left, left + width), max(left, left + width)
        assert low >= -1e-9
        assert high <= 1 + 1e-9
        assert 0 <= top <= top + height <= 1 + 1e-9
        assert 0.25 < abs(width) * height < 0.95


def test_a_crop_shows_that_part():
    picture = torch.zeros(1, 1, 16, 24, 3, dtype=torch.uint8)
    picture[:, :, 8:, 12:] = 255  # the lower right quarter
    images = seen(picture, [View(np.zeros(1, np.int64), (0.5, 0.5, 0.5, 0.5))], (12, 8))
    assert images[..., 1:, 1:].min() == 1.0


def test_frames_are_in_order_spread_over_the_window_and_jittered_within_their_parts():
    whole = Pixels(frames=4, size=(8, 8), kept=16, kept_size=(8, 8))
    assert places(whole, 0.0, np.full(4, 0.5)).tolist() == [2, 6, 10, 14]
    for seed in range(50):
        drawn = draw(whole, Augmentation(jitter=True), np.random.default_rng(seed)).places
        assert (drawn // 4).tolist() == [0, 1, 2, 3]
    half = whole.model_copy(update={"window": 0.5})
    starts = {draw(half, Augmentation(), np.random.default_rng(seed)).places[0] for seed in range(100)}
    assert starts == set(range(1, 10)) or starts <= set(range(0, 10))
    assert all(np.ptp(draw(half, Augmentation(), np.random.default_rng(seed)).places) <= 8 for seed in range(50))


def test_one_view_is_the_whole_frame_and_the_middle_of_each_part():
    (look,) = views_at_test(PIXELS, Views())
    assert look.box == (0, 0, 1, 1)
    assert look.places.tolist() == [1, 3, 5, 7]


def test_views_go_over_the_clip_and_the_longer_side():
    found = views_at_test(PIXELS, Views(times=2, places=3, crop=0.5))
    assert [look.box for look in found[:3]] == [(0, 0.25, 0.5, 0.5), (0.25, 0.25, 0.5, 0.5), (0.5, 0.25, 0.5, 0.5)]
    assert [look.places.tolist() for look in found[::3]] == [[0, 2, 4, 6], [1, 3, 5, 7]]
    tall = Pixels(frames=4, size=(8, 12), kept=8, kept_size=(16, 24))
    assert [look.box[1] for look in views_at_test(tall, Views(places=3, crop=0.5))] == [0, 0.25, 0.5]
    early, late = views_at_test(PIXELS.model_copy(update={"window": 0.5}), Views(times=2))
    assert early.places[-1] < 8
    assert early.places[0] < late.places[0]


def test_light():
    grey = seen(clip(1), [View(np.zeros(1, np.int64), (0, 0, 1, 1), (1, 1, 0, 1, 1, 1))], (24, 16))
    assert torch.allclose(grey[:, :, 0], grey[:, :, 2], atol=1e-6)
    flat = seen(clip(1), [View(np.zeros(1, np.int64), (0, 0, 1, 1), (1, 0, 1, 1, 1, 1))], (24, 16))
    assert flat.std() < 1e-6
    bright = seen(clip(1), [View(np.zeros(1, np.int64), (0, 0, 1, 1), (1.2, 1, 1, 1, 1, 1))], (24, 16))
    assert bright.mean() > seen(clip(1), [View(np.zeros(1, np.int64), (0, 0, 1, 1))], (24, 16)).mean()


@pytest.mark.parametrize("wrong", [{"crop": (0.9, 0.5)}, {"crop": (0.5, 1.2)}, {"ratio": (2, 1)}, {"hue": 1}])
def test_params_that_make_no_sense(wrong):
    with pytest.raises(ValidationError):
        Augmentation(**wrong)
