"""The two nets of BlazePose (Bazarevsky et al. 2020), as MediaPipe ships them: who is in a frame, and what is theirs.

The detector sees a frame as a square of 224 pixels and gives each person's hips and the radius of the circle about the
whole body, upright as it stands; the other net sees that square, turned and cut out, and gives 33 landmarks, two points
from which the same person's square of the next frame follows, whether there is a person, and their mask. LiteRT runs
both, the extra `blazepose`; `make blazepose` fetches the weights. Anchors, sizes and factors are those of MediaPipe
0.10 (`pose_detection_cpu.pbtxt`, `pose_landmark_cpu.pbtxt`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from stages.base.errors import InputError
from stages.base.video.decode import Image
from stages.base.video.sample import shrunk
from stages.streams.people import overlap

Floats = NDArray[np.float64]
DETECTOR, LANDMARKS = "pose_detection.tflite", "pose_landmark_{}.tflite"
#: Sides of the squares that the nets see, in pixels.
_SEES, _CUT = 224, 256
#: Strides of the detector's grids, and its anchors in each cell.
_GRIDS = ((8, 2), (16, 2), (32, 6))
#: The square about a person is this much wider than the circle.
_ROOM = 1.25
#: Of boxes that overlap more than this one is taken: the higher score.
_SAME = 0.3
FETCH = "run `make blazepose`, which fetches both"


class Square(NamedTuple):
    """Where a person is: the centre (x, y) and side in pixels, and by how much they lean, in radians clockwise."""

    centre: Floats
    side: float
    leans: float

    @classmethod
    def of(cls, hips: Floats, above: Floats) -> Square:
        """Return the square of a person by their hips and the point of the circle above their head."""
        x, y = above - hips
        return cls(hips, 2 * _ROOM * float(np.hypot(x, y)), float(np.arctan2(y, x) + np.pi / 2))


class Pose(NamedTuple):
    """A person in a frame."""

    sure: float
    """How surely a person is in the square, 0 to 1."""
    share: NDArray[np.float32]
    """(H, W): how surely each pixel of the frame is theirs, 0 to 1."""
    then: Square
    """Where they are, by which they are looked for in the next frame."""


class BlazePose:
    """Both nets of a folder, loaded."""

    def __init__(self, folder: Path, landmarks: str) -> None:
        """Load them.

        Raises:
            InputError: LiteRT is not installed, or a file is missing or no such net.
        """
        self._detector = _load(folder / DETECTOR)
        self._landmarks = _load(folder / LANDMARKS.format(landmarks))
        self._anchors = np.concatenate([_cells(_SEES // stride, count) for stride, count in _GRIDS])

    def people(self, image: Image, least: float) -> Iterator[Square]:
        """Yield the squares of the people in a frame (H, W, 3), those of the highest scores first, `least` and up."""
        small = shrunk(image, _SEES)
        top, left = ((_SEES - side) // 2 for side in small.shape[:2])
        seen = np.zeros((_SEES, _SEES, 3), np.uint8)
        seen[top : top + small.shape[0], left : left + small.shape[1]] = small
        raw, logits = _run(self._detector, seen / 127.5 - 1, (-1, 12), (-1,))
        scores = expit(logits)
        chosen = [place for place in np.argsort(-scores, kind="stable") if scores[place] >= least]
        # Centre and size of a box, the hips, the circle's point, and two points of the upper body that nobody needs.
        points = raw[chosen].reshape(-1, 6, 2)
        points[:, [0, 2, 3]] += self._anchors[chosen, None]
        scale = max(image.shape[:2]) / max(small.shape[:2])
        boxes: list[Floats] = []
        for centre, size, hips, above in points[:, :4]:
            box = np.concatenate([centre - size / 2, centre + size / 2])
            if all(overlap(box.tolist(), other.tolist()) <= _SAME for other in boxes):
                boxes.append(box)
                yield Square.of((hips - (left, top)) * scale, (above - (left, top)) * scale)

    def pose(self, image: Image, square: Square) -> Pose:
        """Return what is in a square of a frame (H, W, 3)."""
        cosine, sine = np.cos(square.leans), np.sin(square.leans)
        turn = np.array([[cosine, -sine], [sine, cosine]]) * square.side / _CUT
        back = np.hstack([turn, (square.centre - turn @ np.full(2, _CUT / 2))[:, None]])  # from the square to the frame
        cut = cv2.warpAffine(image, back, (_CUT, _CUT), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        points, sure, mask = _run(self._landmarks, cut / 255, (39, 5), (), (_CUT, _CUT))
        share = cv2.warpAffine(expit(mask).astype(np.float32), back, image.shape[1::-1], flags=cv2.INTER_LINEAR)
        hips, above = points[33:35, :2] @ turn.T + back[:, 2]
        return Pose(float(sure), np.asarray(share, np.float32), Square.of(hips, above))


def _cells(grid: int, count: int) -> Floats:
    """Return the anchors of a square grid of cells, (count * grid^2, 2), in pixels of what the detector sees."""
    y, x = np.mgrid[:grid, :grid]
    return np.repeat(np.stack([x + 0.5, y + 0.5], -1).reshape(-1, 2) * (_SEES / grid), count, axis=0)


def _load(file: Path) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        do = "install it: pip install -c constraints.txt -e '.[blazepose]'"
        raise InputError("LiteRT is not installed", file=file, do=do) from None
    try:
        net = Interpreter(str(file), num_threads=1)  # the cores are for clips side by side
        net.allocate_tensors()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"no such net: {str(error).splitlines()[0]}", file=file, do=FETCH) from None
    return net


def _run(net: Any, seen: Floats, *shapes: tuple[int, ...]) -> list[Floats]:
    """Return the first outputs of a net that sees a square (S, S, 3), each in a shape."""
    net.set_tensor(net.get_input_details()[0]["index"], seen[None].astype(np.float32))
    net.invoke()
    outputs = sorted(net.get_output_details(), key=lambda output: output["name"])
    return [
        net.get_tensor(output["index"]).astype(np.float64).reshape(shape)
        for output, shape in zip(outputs, shapes, strict=False)
    ]
