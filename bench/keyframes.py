"""Keyframes of real clips: this repository beside Katna's own `Video.extract_video_keyframes`, in one run.

    python -m bench.keyframes [--every 8] [--repeat 8] [folder ...]

Takes every eighth clip of the folders (Weizmann and UT-Interaction; `dvc pull` brings them). Katna goes through them
one by one, as its class does (a pool of its own for each clip); we go through the same clips `repeat` times over all
cores. The ratio is from our first finished clip on, and the time until then stands beside it; the ratio of processor
time, start included, does not suffer from what else the machine does. Then the frames are compared with those of
Katna's `FrameExtractor` and `ImageSelector` on the clips themselves, and with those of `Video`, which works on a copy
that it makes of each clip.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import io
import os
import resource
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from Katna.frame_extractor import FrameExtractor
from Katna.image_selector import ImageSelector
from Katna.video import Video

from stages.core.params import compute
from stages.core.pool import spread
from stages.keyframes.extract import extract
from stages.keyframes.params import KeyframesParams
from stages.video.decode import Image, iterate
from stages.video.sample import decoded

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
    """Time a clip twice over, so that nothing is set up in the times."""
    for _ in range(2):
        start = time.process_time()
        extract(path, PARAMS)
        between = time.process_time()
        for _ in iterate(path):
            pass
        end = time.process_time()
    return Shares(between - start, end - between)


def images(path: str) -> list[Image]:
    """Return our keyframes of a clip, RGB."""
    return [np.asarray(decoded(base64.b64decode(frame["image"]))) for frame in extract(path, LOSSLESS)["frames"]]


class Keep:
    """A writer as Katna wants one, that keeps the frames."""

    def write(self, _: str, frames: list[Image]) -> None:
        """Keep the frames, BGR, as RGB."""
        self.images = [frame[..., ::-1] for frame in frames]


def katnas_video(paths: Sequence[str]) -> tuple[list[list[Image]], float]:
    """Return what `Video` gives for each clip, and seconds."""
    found = []
    here = os.getcwd()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.chdir(folder)  # it leaves a folder of copies
        try:
            video, keep = Video(), Keep()
            start = time.perf_counter()
            for path in paths:
                video.extract_video_keyframes(PARAMS.count, path, keep)
                found.append(keep.images)
            return found, time.perf_counter() - start
        finally:
            os.chdir(here)


def katnas_classes(path: str) -> list[Image]:
    """Return what Katna's extractor and selector give for a clip itself."""
    candidates = FrameExtractor().extract_candidate_frames(path)
    return [image[..., ::-1] for image in ImageSelector(1).select_best_frames(candidates, PARAMS.count)]


def same(some: Sequence[Image], others: Sequence[Image]) -> bool:
    """Tell whether two sets of images are the same, pixel for pixel, in whatever order."""
    return sorted(image.tobytes() for image in some) == sorted(image.tobytes() for image in others)


def processor() -> float:
    """Return the seconds of processor time of this process and of its children that ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folders", nargs="*", default=FOLDERS)
    arguments.add_argument("--every", type=int, default=8, help="take each so manieth clip")
    arguments.add_argument("--repeat", type=int, default=8, help="go through them so many times")
    given = arguments.parse_args()
    clips = [str(path.resolve()) for folder in given.folders for path in sorted(Path(folder).iterdir())[:: given.every]]
    processes = compute().processes
    print(f"{len(clips)} clips, {PARAMS.count} keyframes each, {processes} processes", flush=True)

    before = processor()
    videos, seconds = katnas_video(clips)
    katna_rate, katna_work = len(clips) / seconds, (processor() - before) / len(clips)
    print(
        f"Katna's Video     {katna_rate:7.2f} clips/s, {1000 * katna_work:.0f} ms of processor time a clip", flush=True
    )

    before, start, first, done = processor(), time.perf_counter(), 0.0, 0
    for _ in spread(work_only, clips * given.repeat, processes):
        first, done = first or time.perf_counter(), done + 1
    rate, work = (done - 1) / (time.perf_counter() - first), (processor() - before) / done
    print(f"this repository   {rate:7.2f} clips/s, {1000 * work:.0f} ms, start of the processes included; "
          f"first clip after {first - start:.1f} s")  # fmt: skip
    print(f"ratio             {rate / katna_rate:7.1f}, in processor time {katna_work / work:.1f}")

    timed = [value for _, value in spread(shares, clips, processes) if isinstance(value, Shares)]
    mine, decoding = (1000 * sum(column) / len(timed) for column in zip(*timed, strict=True))
    print(f"decoding alone    {decoding / mine:7.0%} of our {mine:.0f} ms a clip without the start")

    found = dict(spread(images, clips, processes))
    listed = [value if isinstance(value := found[path], list) else [] for path in clips]
    by_classes = sum(same(mine, katnas_classes(path)) for mine, path in zip(listed, clips, strict=True))
    by_video = sum(same(mine, others) for mine, others in zip(listed, videos, strict=True))
    print(f"same frames       {by_classes:7d} of {len(clips)} clips, as Katna's classes on the clip")
    print(f"                  {by_video:7d} of {len(clips)} clips, as Video on its own copy of the clip")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
