"""What the process that asks spends on a clip before a model sees it: `python -m bench.feed`.

With Ray too, one process reads keyframes, decodes them, hashes their pixels for the journal's key and sends them to a
worker. Seconds of a core, which what else the machine does hardly moves; two JPEGs of 640 x 480 a clip.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from stages.video.sample import decoded, encoded
from stages.vlm.base import Media, Request

CLIPS, SIZE = 200, (640, 480)


def cost(act: Callable[[Any], Any], given: list[Any]) -> tuple[float, list[Any]]:
    """Return the milliseconds of a core that each item takes, and what they become."""
    start = time.process_time()
    made = [act(one) for one in given]
    return 1000 * (time.process_time() - start) / len(given), made


def picture(seed: int) -> bytes:
    """Return a JPEG that is as smooth as one of a camera: noise of 80 x 60 made larger."""
    coarse = np.random.default_rng(seed).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    return encoded(cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC), "jpeg", 95)


def main() -> None:
    """Measure and print."""
    files = [[picture(2 * clip), picture(2 * clip + 1)] for clip in range(CLIPS)]
    decoding, frames = cost(lambda pair: [np.asarray(decoded(one)) for one in pair], files)
    hashing, media = cost(lambda pair: Media("images", pair), frames)
    sending, sent = cost(lambda shown: pickle.dumps(Request("Describe.", shown)), media)
    size = sum(map(len, sent)) / len(sent) / 1e6
    stored = sum(len(one) for pair in files for one in pair) / len(files) / 1e6
    whole = decoding + hashing + sending
    print(f"decoding {decoding:.1f} ms, hashing {hashing:.1f} ms, packing {sending:.1f} ms of a core a clip")
    print(f"so one process feeds {1000 / whole:.0f} clips/s; {size:.2f} MB sent and {stored:.2f} MB stored a clip")


if __name__ == "__main__":
    main()
