"""Katna's choice of keyframes, frame for frame, without what makes Katna slow.

Katna 0.9.2 (its `FrameExtractor` and `ImageSelector`, called on the clip itself) takes the frames at which the smoothed
difference of neighbours in LUV has a local maximum; keeps those whose brightness and entropy lie between thresholds,
and relaxes the thresholds until enough are left; groups them by K-Means over grey histograms; and takes one of each
group. Its own code does all of this here, but for what it computes slowly, which is replaced by exact equivalents:

- the conversion to 8-bit LUV, by a table of OpenCV's own answers for all 2^24 colours;
- the difference of two frames, by OpenCV's L1 norm of these images: the same integer;
- the entropy filter (a histogram of 81 pixels around each pixel), by a bound where that already decides;
- K-Means, by scikit-learn's without the checks of its arguments and in one thread;
- the pool of processes for each clip, by none: clips run side by side.

Two of its oddities stay, as they decide which frames the papers saw: differences are unsigned, so that smoothing wraps
around near both ends of a clip; and the sharpness that ranks a group of n frames is that of the *first n* frames that
passed the thresholds, whichever group these belong to.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import cv2
import Katna.config
import numpy as np
import numpy.typing as npt
import sklearn
from Katna.frame_extractor import FrameExtractor
from Katna.image_selector import ImageSelector
from skimage.morphology import disk
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from stages.base.video.decode import Image
from stages.keyframes.held import Clip

#: The decision on entropy is left to Katna's filter when a bound is nearer than this to the threshold.
_MARGIN = 1e-6
#: Pixels that are converted at once: so many stay in a core's cache.
_STRIP = 16384
#: The neighbourhood of Katna's entropy filter, 81 pixels.
_DISK: npt.NDArray[np.uint8] = disk(5)  # type: ignore[no-untyped-call]


class Choice(NamedTuple):
    """Places of the chosen frames, ascending, and why they are fewer than asked for (None: they are not)."""

    frames: list[int]
    lacking: str | None


class Candidate(NamedTuple):
    """What Katna's selection needs to know of a frame. `entropy` is exact, or a bound that decides as well."""

    frame: int
    brightness: float
    entropy: float
    histogram: npt.NDArray[np.float32]
    sharpness: float


def choose(clip: Clip, count: int, seed: int) -> Choice:
    """Return the frames that Katna chooses from a clip, at most `count`."""
    places = candidate_places(clip)
    candidates = [measured(index, image) for index, image in clip.images(places)]
    with _one_thread().limit(limits=1):
        chosen: list[Candidate] = _Selector(seed).select_best_frames(candidates, count)
    frames = sorted(candidate.frame for candidate in chosen)
    if len(frames) >= count:
        return Choice(frames, None)
    if not candidates:
        return Choice(frames, "no frame is a local maximum of change")
    if len(candidates) < count:
        return Choice(frames, f"only {len(candidates)} frames are local maxima of change")
    return Choice(frames, f"only {len(frames)} candidates of enough brightness and entropy that differ")


def candidate_places(clip: Clip) -> list[int]:
    """Go through a clip; return the frames at which the smoothed difference to the frame before has a local maximum."""
    extractor = FrameExtractor()
    places: list[int] = []
    numbers: list[int] = []
    differences: list[np.uint64] = []
    before: Image | None = None
    for frame in clip:
        luv = luv_image(frame.rgb())
        if before is not None:
            numbers.append(frame.index)
            differences.append(np.uint64(int(cv2.norm(luv, before, cv2.NORM_L1))))
        before = luv
        if (frame.index + 1) % extractor.max_frames_in_chunk == 0:
            places += extractor.__get_frames_in_local_maxima__(numbers, differences)
            numbers, differences, before = [], [], None
    return places + list(extractor.__get_frames_in_local_maxima__(numbers, differences))


def luv_image(image: Image) -> Image:
    """Return an RGB image (H, W, 3) in OpenCV's 8-bit LUV, (H, W, 4): a fourth channel that is the same everywhere."""
    height, width, _ = image.shape
    luv = np.empty((height, width), np.uint32)
    rows = max(1, _STRIP // width)
    for top in range(0, height, rows):
        # Red, green, blue and an alpha of 255 make a negative number, which counts from the end of the table.
        colours = cv2.cvtColor(image[top : top + rows], cv2.COLOR_RGB2RGBA).view(np.int32)[..., 0]
        _luv_table().take(colours, out=luv[top : top + rows], mode="wrap")
    return luv.view(np.uint8).reshape(height, width, 4)


@cache
def _luv_table() -> npt.NDArray[np.uint32]:
    """Return red + 256 green + 65536 blue -> luv, one number each; 64 MiB, half the time of the conversion."""
    table = np.empty((256, 256, 256), np.uint32)
    green, red = np.indices((256, 256), np.uint8)
    for blue in range(256):
        image = np.dstack([red, green, np.full_like(red, blue)])
        luv = cv2.cvtColor(image, cv2.COLOR_RGB2LUV)
        table[blue] = cv2.cvtColor(luv, cv2.COLOR_RGB2RGBA).view(np.uint32)[..., 0]
    return table.reshape(-1)


def measured(frame: int, image: Image) -> Candidate:
    """Return what the selection needs to know of an image, by the calls that Katna makes."""
    value = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2HSV))[2]
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
    return Candidate(
        frame,
        brightness=float((np.sum(value, dtype=np.float32) * 100.0) / (value.size * 255.0)),
        entropy=entropy(image, grey),
        histogram=np.asarray(cv2.calcHist([grey], [0], None, [256], [0, 256]), np.float32).reshape(256),
        sharpness=float(cv2.Laplacian(grey, cv2.CV_64F).var()),
    )


def entropy(image: Image, grey: Image) -> float:
    """Return an image's mean local entropy in bits; or a lower bound, where that passes every minimum of Katna's.

    The relaxation only lowers the minimum, and the maximum of 10 is beyond 81 pixels (log2 81 = 6.3).
    """
    quarter = len(grey) // 4
    # Every entropy is positive: half of the image's rows often decide for all, at half the cost.
    for part in (grey[quarter:-quarter], grey):
        bound = entropy_bound(part) * part.size / grey.size
        if bound > Katna.config.ImageSelector.min_entropy_value + _MARGIN:
            return bound
    return float(ImageSelector().__get_entropy_score__(cv2.cvtColor(image, cv2.COLOR_RGB2BGR)))


def entropy_bound(grey: Image) -> float:
    """Return a number that the mean local entropy of an image (H, W) is not below, in bits.

    Shannon's entropy is not below Renyi's of order 2, the negative logarithm of the chance that two pixels of a
    neighbourhood are equal; and the mean of the logarithms not below that of the mean (Jensen). The mean chance needs
    no neighbourhoods: only how many pairs of pixels of the image are equal at each offset, times how often the offset
    occurs in a disk. Pixels whose disk leaves the image count as 0.
    """
    height, width = grey.shape
    inner = (height - 10) * (width - 10)
    if height < 11 or width < 11:
        return 0.0
    equal = 81 * grey.size
    for (down, across), often in _offsets().items():
        left = slice(max(0, -across), width - max(0, across))
        right = slice(max(0, across), width - max(0, -across))
        equal += often * int(np.count_nonzero(grey[: height - down, left] == grey[down:, right]))
    bits: float = -math.log2(equal / (inner * 81**2)) * inner / grey.size
    return bits


@cache
def _offsets() -> dict[tuple[int, int], int]:
    """Return offset (down, across) -> how many ordered pairs of a disk's pixels lie so; one of each two opposites."""
    pixels = [(int(y), int(x)) for y, x in np.argwhere(_DISK)]
    pairs = Counter((b[0] - a[0], b[1] - a[1]) for a in pixels for b in pixels)
    return {offset: 2 * often for offset, often in pairs.items() if offset > (0, 0)}


class _Selector(ImageSelector):  # type: ignore[misc]
    """Katna's selection over measured candidates instead of images."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def __filter_optimum_brightness_and_contrast_images__(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        return [
            candidate
            for candidate in candidates
            if self.min_brightness_value < candidate.brightness < self.max_brightness_value
            and self.min_entropy_value < candidate.entropy < self.max_entropy_value
        ]

    def __prepare_cluster_sets__(self, candidates: Sequence[Candidate]) -> list[npt.NDArray[np.intp]]:
        if self.nb_clusters == 1:
            return [np.arange(len(candidates))]
        with warnings.catch_warnings(), sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
            # Fewer distinct histograms than clusters: some stay empty.
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = KMeans(n_clusters=self.nb_clusters, random_state=self.seed).fit([c.histogram for c in candidates])
        return [np.flatnonzero(fitted.labels_ == cluster) for cluster in range(self.nb_clusters)]

    def __get_best_images_index_from_each_cluster__(
        self, candidates: Sequence[Candidate], clusters: Sequence[npt.NDArray[np.intp]]
    ) -> list[int]:
        sharpness = [candidate.sharpness for candidate in candidates]
        # Katna fails on an empty cluster; here it gives no frame. The first frames' sharpness: see the docstring.
        return [int(cluster[np.argmax(sharpness[: len(cluster)])]) for cluster in clusters if len(cluster)]


@cache
def _one_thread() -> Any:
    return ThreadpoolController()
