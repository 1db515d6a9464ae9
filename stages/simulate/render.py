"""A clip's number -> its frames and its truth; frames -> a file."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stages.base.video.masks import box_of, run_lengths
from stages.simulate.activities import ACTIVITIES, perform
from stages.simulate.body import JOINTS, axes, figure, joints, torso
from stages.simulate.camera import Array
from stages.simulate.draw import Canvas
from stages.simulate.objects import thing
from stages.simulate.params import Scene
from stages.simulate.scenes import home
from stages.simulate.take import Take

#: (T, H, W, 3) or (H, W, 3), RGB.
Frames = NDArray[np.uint8]
PERSON = 1
#: The joints' order when left and right change places.
MIRROR = [JOINTS.index(n.replace("left", "*").replace("right", "left").replace("*", "right")) for n in JOINTS]


class Plan(NamedTuple):
    """What clip `number` shows, fixed by seed and number alone."""

    number: int
    activity: str
    subject: int
    camera: int
    room: int
    recording: int

    @property
    def clip_id(self) -> str:
        """Name by Smarthome's grammar; a recording has every activity once, views count hundreds of recordings."""
        view, recording = divmod(self.recording, 100)
        return f"{self.activity}_p{self.subject:02d}_r{recording:02d}_v{view:02d}_c{self.camera:02d}"


class Clip(NamedTuple):
    """A rendered clip: its frames and its row of TRUTH."""

    plan: Plan
    frames: Frames
    truth: dict[str, Any]


def plan(scene: Scene, number: int) -> Plan:
    """Return what clip `number` shows.

    A recording is one round of all activities in random order. From one recording to the next every activity moves on
    in its own random order of subjects, of cameras and of rooms, so that each meets all of them equally often.
    """
    recording, place = divmod(number, len(scene.activities))
    which = int(shuffled(scene.seed, 1, recording, len(scene.activities))[place])

    def turn(stream: int, choices: int) -> int:
        cycle, at = divmod(recording, choices)
        return int(shuffled(scene.seed, stream, cycle * len(scene.activities) + which, choices)[at])

    return Plan(
        number,
        scene.activities[which],
        scene.subjects[turn(2, len(scene.subjects))],
        scene.cameras[turn(3, len(scene.cameras))],
        turn(4, scene.rooms),
        recording,
    )


def render(scene: Scene, what: Plan) -> Clip:
    """Return clip `what`, drawn.

    Two generators: one for all that surrounds the person (length, light, what lies about), which therefore is the same
    whatever the activity, and one for the performance.
    """
    around, acting = (np.random.default_rng([scene.seed, stream, what.number]) for stream in (5, 6))
    count = round(float(around.uniform(*scene.seconds)) * scene.fps)
    pool = STYLES[scene.style]
    body = home.subject(what.subject, pool, int(around.integers(2)))
    room, empty = _empty(scene.style, scene.size, what.room, what.camera)
    canvas = empty.copy()
    canvas.draw(home.furnish(room, around))
    light = lighting(around)
    take = perform(what.activity, body, room, np.arange(count) / scene.fps, acting)
    found = joints(body, take.pose)
    frames, masks = _draw(canvas, take, found)

    def pixels(points: Array) -> NDArray[np.float32]:
        return (canvas.camera.project(canvas.camera.see(points)) / Canvas.SAMPLES).round(1).astype(np.float32)

    activity, props = ACTIVITIES[what.activity], [prop for prop in take.pose.props if prop.name != "stream"]
    truth = {
        "clip_id": what.clip_id,
        "label": what.activity,
        "phrase": activity.phrase,
        "verb": activity.verb,
        "object": activity.object,
        "place": take.place,
        "posture": take.posture,
        "shirt": body.shirt_name,
        "trousers": body.trousers_name,
        "subject": f"{what.subject:02d}",
        "camera": f"{what.camera:02d}",
        "room": f"{what.room:02d}",
        **clip_size(count, scene.fps, scene.size),
        # What a mirror shows as somebody's left is the right.
        "joints": pixels(found[:, MIRROR] if room.mirrored else found).ravel(),
        "held": [prop.name for prop in props],
        "held_at": pixels(np.stack([prop.at for prop in props], 1)).ravel() if props else [],
        **masked(masks, lit(canvas.image(), light)),
    }
    return Clip(what, np.stack([lit(frame, light) for frame in frames]), truth)


@lru_cache(64)  # 2 MB each at 160 x 128
def _empty(style: str, size: tuple[int, int], number: int, camera: int) -> tuple[home.Room, Canvas]:
    """Return a room and what a camera sees of it; clips draw upon copies, for walls and furniture are many solids."""
    room = home.room(number, STYLES[style])
    canvas = Canvas(home.camera(style, camera, STYLES[style], size, room.mirrored))
    canvas.draw(room.solids)
    return room, canvas


def _draw(canvas: Canvas, take: Take, found: Array) -> tuple[list[Frames], NDArray[np.bool_]]:
    """Return the frames and where the person and what it holds are seen (T, H, W)."""
    trunk, toes = torso(take.body, take.pose), axes(take.pose.yaw, take.pose.tilt)[0]
    frames, masks = [], []
    for t in range(len(found)):
        picture = canvas.copy()
        picture.draw(figure(take.body, found, trunk, toes, t), PERSON)
        for prop in take.pose.props:
            if prop.shown[t]:
                picture.draw(thing(prop.name, prop.at[t], prop.up[t], prop.front[t]), PERSON)
        frames.append(picture.image())
        masks.append(picture.mask(PERSON))
    return frames, np.stack(masks)


#: Seed of each style's people, rooms and cameras: they stay the same when a scene's seed changes.
STYLES = {"home": 101, "pretrain": 202}


def boxes(masks: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Return the box (T, 4) around each mask of (T, H, W): left, top, right, bottom, ends excluded; 0 for none."""
    found = np.zeros((len(masks), 4), np.int16)
    for box, mask in zip(found, masks, strict=True):
        box[:] = box_of(mask) or 0
    return found


def encode(frames: Frames, fps: float, path: Path, **more: str) -> None:
    """Write frames (T, H, W, 3) as H.264 in MP4; one thread and fixed settings: equal frames, equal bytes.

    x264's kernels for newer processors now and then encode equal frames to other bytes; with `cpu-independent` it keeps
    to those that do not. `more` are further options of x264, by FFmpeg's names.
    """
    rate = Fraction(fps).limit_denominator(1000)
    with av.open(str(path), "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=rate)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        fixed = {"preset": "veryfast", "crf": "20", "threads": "1", "x264-params": "cpu-independent=1"}
        stream.options = {**fixed, **more}
        stream.codec_context.thread_count = 1
        for picture in frames:
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode())


def shuffled(seed: int, stream: int, number: int, length: int) -> NDArray[np.int64]:
    """Return the numbers below `length` in an order that seed, stream and number fix."""
    return np.random.default_rng([seed, stream, number]).permutation(length)


def lighting(rng: Generator) -> NDArray[np.uint8]:
    """Return a clip's light: each channel's brightness and contrast, (256, 1, 3), to look values up in."""
    gain = rng.uniform(0.82, 1.08) * rng.uniform(0.96, 1.04, 3)
    return np.clip(np.arange(256)[:, None] * gain, 0, 255).astype(np.uint8)[:, None]


def lit(picture: Frames, light: NDArray[np.uint8]) -> Frames:
    """Return a picture in a light that `lighting` drew."""
    return np.asarray(cv2.LUT(picture, light), np.uint8)


def clip_size(count: int, fps: float, size: tuple[int, int]) -> dict[str, Any]:
    """Return the columns that say how long and large a clip is, of its frames and its width and height."""
    return {"frames": count, "fps": fps, "width": size[0], "height": size[1]}


def masked(masks: NDArray[np.bool_], plate: NDArray[np.uint8]) -> dict[str, Any]:
    """Return the columns of what is masked in a clip, (T, height, width), and of the picture without it."""
    return {"boxes": boxes(masks).ravel(), "masks": run_lengths(masks), "plate": jpeg(plate)}


def jpeg(picture: Frames) -> bytes:
    """Return a picture as JPEG."""
    ok, data = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    assert ok
    return data.tobytes()
