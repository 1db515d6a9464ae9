"""BlazePose's detector and landmarks from MediaPipe's package, as a folder: `python -m tools.blazepose`.

Nothing but package registries is asked, by pip. Of the package two files of weights are taken, its code is not: that
wants an older NumPy, and `stages/streams/blazepose.py` runs the nets by LiteRT.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from stages.base.errors import guard
from tools.wheels import fetched, pip

FOLDER = Path("data/weights/blazepose")
#: The wheel by its hash, whatever this machine and its Python are: only files are taken from it.
WHEEL = "mediapipe==0.10.21 --hash=sha256:05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3"
_PLATFORM = ["--platform", "manylinux_2_28_x86_64", "--python-version", "3.11", "--implementation", "cp"]
_FILES = (
    "mediapipe/modules/pose_detection/pose_detection.tflite",
    "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
    "mediapipe-0.10.21.dist-info/LICENSE",
)
_CARD = """---
license: apache-2.0
---

# BlazePose

Of Google (Bazarevsky et al. 2020), Apache-2.0: the detector and the full landmarks of the package mediapipe 0.10.21, as
they are in it. The package's licence is in LICENSE.
"""


def main() -> None:
    """Fetch them, unless they are there."""
    fetched(FOLDER, _make)


def _make(work: Path, whole: Path) -> str:
    pip(work, "download", WHEEL, FOLDER, "--dest", work, *_PLATFORM)
    with zipfile.ZipFile(next(work.glob("mediapipe-*.whl"))) as wheel:
        for name in _FILES:
            with wheel.open(name) as source, (whole / Path(name).name).open("wb") as target:
                shutil.copyfileobj(source, target)
    (whole / "README.md").write_text(_CARD)
    return ", ".join(sorted(path.name for path in whole.iterdir()))


if __name__ == "__main__":
    guard(main)
