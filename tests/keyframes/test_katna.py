"""Katna itself is the oracle: its own classes, on the same files and images."""

import hashlib
import warnings
from typing import ClassVar

import cv2
import numpy as np
import pytest
from Katna.frame_extractor import FrameExtractor
from Katna.image_selector import ImageSelector
from skimage.filters.rank import entropy as entropy_filter
from skimage.morphology import disk

from stages.base.video.decode import read_frames
from stages.keyframes import katna
from stages.keyframes.held import Clip
from tests.base.video.clips import noise, write_clip

SETS = ["data/weizmann/clips", "data/ut_interaction/clips"]


def scene(count, height=48, width=64, seed=0):
    """Return frames (T, H, W, 3) of a bright patch that goes to and fro in front of a textured wall."""
    rng = np.random.default_rng(seed)
    frames = np.repeat(rng.integers(60, 120, (1, height, width, 3), dtype=np.uint8), count, axis=0)
    for place, frame in enumerate(frames):
        left = int((width - 12) * (0.5 + 0.5 * np.sin(place * place / 40)))
        frame[10:30, left : left + 12] = 230
        frame[0, 0] = place // 256, place % 256, 0  # no two frames are the same
    return frames


def bgr(images):
    return [np.ascontiguousarray(image[..., ::-1]) for image in images]


def places_of(chosen, frames):
    """Return the places of Katna's images (BGR) among the frames (RGB)."""
    return sorted(
        next(place for place, frame in enumerate(frames) if np.array_equal(frame[..., ::-1], image)) for image in chosen
    )


class Oracle(ImageSelector):
    """Katna's own selection; it computes the entropy of an image once, for that is slow.

    The processes that Katna starts are forks: they know what was computed before.
    """

    entropies: ClassVar[dict[tuple[tuple[int, ...], bytes], float]] = {}

    def __get_entropy_score__(self, image):
        key = image.shape, hashlib.sha256(image.tobytes()).digest()
        if key not in self.entropies:
            self.entropies[key] = super().__get_entropy_score__(image)
        return self.entropies[key]


def assert_same_as_katna(path, counts):
    frames, _ = read_frames(path)
    candidates = FrameExtractor().extract_candidate_frames(str(path))
    chosen, places = zip(*(ours(path, count) for count in counts), strict=True)
    assert all(each == places[0] for each in places)
    assert len(candidates) == len(places[0])
    for candidate, (place, image) in zip(candidates, Clip(path).images(places[0]), strict=True):
        assert np.array_equal(candidate[..., ::-1], image)
        assert np.array_equal(frames[place], image)
        assert_measured_as_by_katna(place, image)
    for count, found in zip(counts, chosen, strict=True):
        best = {id(image) for image in Oracle(1).select_best_frames(list(candidates), count)}
        expected = sorted(
            place for place, candidate in zip(places[0], candidates, strict=True) if id(candidate) in best
        )
        assert found == expected, (path, count)


def ours(path, count):
    """Return the frames that are chosen from a clip, and the candidates among which: to go through a clip is slow."""
    candidates = []
    with pytest.MonkeyPatch.context() as patch:
        find = katna.candidate_places
        patch.setattr(katna, "candidate_places", lambda clip: candidates.append(find(clip)) or candidates[-1])
        return katna.choose(Clip(path), count, 0).frames, candidates[-1]


def assert_measured_as_by_katna(place, image):
    selector = Oracle(1)
    measured = katna.measured(place, image)
    (other,) = bgr([image])
    grey = cv2.cvtColor(other, cv2.COLOR_BGR2GRAY)
    exact = selector.__get_entropy_score__(other)
    assert measured.brightness == selector.__get_brightness_score__(other)
    assert katna.entropy_bound(grey) <= exact
    # Where the bound stands for the entropy, every threshold of the relaxation gives the same answer.
    assert measured.entropy == exact or 1 < measured.entropy <= exact < 10
    assert measured.sharpness == selector.__variance_of_laplacian__(grey)
    assert np.array_equal(measured.histogram, cv2.calcHist([grey], [0], None, [256], [0, 256]).reshape(256))


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_every_real_clip_gives_the_frames_that_katna_gives(remote_file, name):
    clips = sorted(remote_file(name).iterdir())
    assert len(clips) == 60
    for path in clips:
        assert_same_as_katna(path, [1, 2] if path == clips[0] else [2])


def test_a_few_real_clips_give_the_frames_that_katna_gives_whatever_the_number(remote_file):
    for name in SETS:
        assert_same_as_katna(min(remote_file(name).iterdir(), key=lambda path: path.stat().st_size), [2, 3])


def test_a_clip_of_more_than_one_chunk_gives_the_frames_that_katna_gives(tmp_path):
    assert_same_as_katna(write_clip(tmp_path / "clip.mov", scene(530)), [2, 7])


@pytest.mark.parametrize("count", [2, 3, 19, 20, 21, 60])
def test_short_clips_give_the_frames_that_katna_gives(tmp_path, count):
    assert_same_as_katna(write_clip(tmp_path / "clip.mov", scene(count)), [1, 2])


def test_thresholds_relax_as_katnas_do():
    base = noise(1, 60, 80)[0].astype(float)
    levels = [0.01, 0.04, 0.1, 0.15, 0.9, 1.0]
    dark = [(base * level * 0.3).astype(np.uint8) for level in levels]
    bright = [(255 - (255 - base) * level * 0.4).astype(np.uint8) for level in levels]
    flat = [np.full((60, 80, 3), value, np.uint8) for value in (0, 2, 30, 254, 255)]
    calm = [
        np.where(np.arange(80)[:, None] > edge, 90, 160).astype(np.uint8) * np.ones((60, 80, 3), np.uint8)
        for edge in (10, 40, 70)
    ]
    for images, count in ((dark, 3), (bright, 2), (flat, 1), (calm, 2), (dark[:2] + calm, 3), (calm[:1] + dark[4:], 2)):
        for place, image in enumerate(images):
            assert_measured_as_by_katna(place, image)
        expected = places_of(katnas_choice(images, count), images)
        measured = [katna.measured(place, image) for place, image in enumerate(images)]
        assert sorted(c.frame for c in katna._Selector(0).select_best_frames(measured, count)) == expected


def katnas_choice(images, count):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Oracle(1).select_best_frames(bgr(images), count)


def test_where_katna_fails_on_an_empty_cluster_the_others_still_count():
    image = noise(1)[0]
    with pytest.raises(ValueError, match="argmax of an empty sequence"):
        katnas_choice([image, image], 2)
    measured = [katna.measured(place, image) for place in range(2)]
    assert len(katna._Selector(0).select_best_frames(measured, 2)) == 1


def test_the_table_of_colours_says_what_opencv_says():
    colours = noise(1, 512, 512)[0]
    for image in (colours, colours[:7, :13], np.zeros((1, 1, 3), np.uint8), np.full((3, 2, 3), 255, np.uint8)):
        image = np.ascontiguousarray(image)
        luv = katna.luv_image(image)
        assert np.array_equal(luv[..., :3], cv2.cvtColor(image, cv2.COLOR_RGB2LUV))
        assert len(np.unique(luv[..., 3])) == 1


@pytest.mark.parametrize("grain", [1, 2, 5, 20, 60, 256])
def test_the_entropy_bound_is_below_the_entropy(grain):
    rng = np.random.default_rng(grain)
    for shape in ((11, 11), (40, 30), (64, 100)):
        grey = rng.integers(0, grain, shape, dtype=np.uint8)
        assert katna.entropy_bound(grey) <= entropy_filter(grey, disk(5)).mean()
    assert katna.entropy_bound(rng.integers(0, 9, (10, 50), dtype=np.uint8)) == 0


def test_the_seed_is_that_of_the_clusters():
    measured = [katna.measured(place, image) for place, image in enumerate(noise(40))]
    chosen = [[c.frame for c in katna._Selector(seed).select_best_frames(measured, 5)] for seed in (0, 1, 2, 3, 0)]
    assert chosen[0] == chosen[4]
    assert len(set(map(tuple, chosen))) > 1
