"""Keyframes of real clips: this repository beside Katna's own `Video.extract_video_keyframes`, in one run.

    python -m bench.keyframes [--every 8] [--repeat 16] [folder ...]

Takes every eighth clip of the folders (Weizmann and UT-Interaction; `dvc pull` brings them). Each goes through Katna,
as its class does it (a pool of its own for each clip), and at once after that `repeat` times through ours over all
cores, so that what else the machine does hits both. Our processes' start is shown by itself. Then the frames are
compared with those of Katna's `FrameExtractor` and `ImageSelector` on the clips themselves, and with those of `Video`,
which works on a copy that it makes of each clip.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import multiprocessing
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from Katna.frame_extractor import FrameExtractor
from Katna.image_selector import ImageSelector
from Katna.video import Video

from stages.base.params import compute
from stages.base.video.decode import Image, iterate
from stages.base.video.sample import decoded
from stages.keyframes.extract import extract
from stages.keyframes.params import KeyframesParams

T = TypeVar("T")

FOLDERS = ["data/weizmann/clips", "data/ut_interaction/clips"]
PARAMS = KeyframesParams(method="katna", count=2, seed=0, format="jpeg", quality=95, side=None)
LOSSLESS = PARAMS.model_copy(update={"format": "png"})


class Shares(NamedTuple):
    """Seconds of one core: for a clip's keyframes, and for decoding it alone."""

    work: float
    decoding: float


def work_only(path: str) -> None:
    """Extract, and send nothing back: what is timed."""
    extract(path, PARAMS)


def shares(path: str) -> Shares:
    """Time a clip three times over; the least is what nothing else disturbed."""
    work, decoding = [], []
    for _ in range(3):
        start = time.process_time()
        extract(path, PARAMS)
        between = time.process_time()
        for _ in iterate(path):
            pass
        work.append(between - start)
        decoding.append(time.process_time() - between)
    return Shares(min(work), min(decoding))


def images(path: str) -> list[Image]:
    """Return our keyframes of a clip, RGB."""
    return [np.asarray(decoded(base64.b64decode(frame["image"]))) for frame in extract(path, LOSSLESS)["frames"]]


class Keep:
    """A writer as Katna wants one, that keeps the frames."""

    def write(self, _: str, frames: list[Image]) -> None:
        """Keep the frames, BGR, as RGB."""
        self.images = [frame[..., ::-1] for frame in frames]


@contextlib.contextmanager
def katnas_video() -> Iterator[Callable[[str], list[Image]]]:
    """Give a function from a clip to what `Video` finds in it, silent and in a folder for the copies that it leaves."""
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        video, keep = Video(), Keep()

        def find(path: str) -> list[Image]:
            with contextlib.redirect_stdout(io.StringIO()):
                video.extract_video_keyframes(PARAMS.count, path, keep)
            return keep.images

        try:
            yield find
        finally:
            os.chdir(here)


def katnas_classes(path: str) -> list[Image]:
    """Return what Katna's extractor and selector give for a clip itself."""
    candidates = FrameExtractor().extract_candidate_frames(path)
    return [image[..., ::-1] for image in ImageSelector(1).select_best_frames(candidates, PARAMS.count)]


def same(some: Sequence[Image], others: Sequence[Image]) -> bool:
    """Tell whether two sets of images are the same, pixel for pixel, in whatever order."""
    return sorted(image.tobytes() for image in some) == sorted(image.tobytes() for image in others)


def timed(function: Callable[[str], T], path: str) -> tuple[T, float]:
    """Return a function's result and the seconds it took."""
    start = time.perf_counter()
    result = function(path)
    return result, time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="*", default=FOLDERS)
    arguments.add_argument("--every", type=int, default=8, help="take each so manieth clip")
    arguments.add_argument("--repeat", type=int, default=16, help="go through each so many times")
    given = arguments.parse_args()
    clips = [str(path.resolve()) for folder in given.folders for path in sorted(Path(folder).iterdir())[:: given.every]]
    processes = compute().processes
    print(f"{len(clips)} clips, {PARAMS.count} keyframes each, {processes} processes", flush=True)

    videos, katnas, mine = {}, [], []
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool, katnas_video() as video:
        _, begin = timed(lambda path: list(pool.map(work_only, [path] * processes)), clips[0])
        for path in clips:
            videos[path], seconds = timed(video, path)
            katnas.append(seconds)
            _, seconds = timed(lambda path: list(pool.map(work_only, [path] * given.repeat)), path)
            mine.append(seconds / given.repeat)
        shared = list(pool.map(shares, clips))
        found = dict(zip(clips, pool.map(images, clips), strict=True))
    work, decoding = (1000 * sum(column) / len(clips) for column in zip(*shared, strict=True))
    ratios = sorted(katna / own for katna, own in zip(katnas, mine, strict=True))
    print(f"Katna's Video     {len(clips) / sum(katnas):7.2f} clips/s")
    print(f"this repository   {len(clips) / sum(mine):7.2f} clips/s, once the processes have started: {begin:.1f} s")
    print(f"ratio             {sum(katnas) / sum(mine):7.1f} (by clip from {ratios[0]:.1f} to {ratios[-1]:.1f})")
    print(f"decoding alone    {decoding / work:7.0%} of our {work:.0f} ms of one core a clip")
    by_classes = sum(same(found[path], katnas_classes(path)) for path in clips)
    by_video = sum(same(found[path], videos[path]) for path in clips)
    print(f"same frames       {by_classes:7d} of {len(clips)} clips, as Katna's classes on the clip")
    print(f"                  {by_video:7d} of {len(clips)} clips, as Video on its own copy of the clip")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
