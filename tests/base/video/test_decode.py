import gc
import io

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from stages.base.errors import InputError
from stages.base.video.decode import Probe, iterate, probe, read_frames
from stages.base.video.upright import upright
from tests.base.video.clips import noise, write_clip

#: What FFmpeg's own tools show of each usable file: frames, frames a second, upright width and height.
USABLE = {
    "discard_first_keyframe.mp4": (25, 25.0, 64, 64),
    "flipping_a_pancake.mkv": (310, 30.0, 426, 240),
    "nasa_13013_rotated.mp4": (17, 29.97003, 270, 480),
    "rotated_minus_90.mp4": (240, 23.976024, 544, 1280),
    "sine_stereo_mp2.mpg": (100, 25.0, 128, 128),
    "test_non_zero_start.mp4": (12, 30.0, 200, 112),
    "testsrc2_444_12bit_hevc.mp4": (25, 25.0, 321, 241),
    "testsrc2_av1_10bit.mp4": (25, 25.0, 320, 240),
    "testsrc2_mpeg4.mp4": (1, 25.0, 64, 64),
    "testsrc2_odd_height_and_width_444.mp4": (25, 25.0, 321, 241),
    "testsrc2_odd_width_vp9_10bit.mp4": (25, 25.0, 321, 240),
    "unordered.mov": (4, 32.0, 50, 50),
    "variable_frame_rate.mp4": (160, 16.017596, 1280, 544),
    "video_0.mov": (3, 30.0, 568, 320),
    "video_90.mov": (3, 30.0, 320, 568),
    "video_180.mov": (3, 30.0, 568, 320),
    "video_270.mov": (3, 30.0, 320, 568),
}
UNUSABLE = {
    "corrupted.mp4": "decoding stopped after 28 frames",
    "empty.mp4": "the file is empty",
    "header_only.mp4": "no frame decodes",
    "text.avi": "not a video that FFmpeg can open",
}


def test_frames_come_out_as_they_went_in(tmp_path):
    frames = noise(6)
    path = write_clip(tmp_path / "clip.mov", frames)
    images, times = read_frames(path)
    assert images.dtype == np.uint8
    assert np.array_equal(images, frames)
    assert times.tolist() == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert probe(path) == Probe(6, 10.0, 0.6, 64, 48, None)


def test_frames_come_in_the_order_of_their_times_which_start_at_zero(tmp_path):
    frames = noise(6)
    path = write_clip(tmp_path / "clip.mov", frames, ticks=[1000, 1300, 1100, 1200, 1500, 1410])
    images, times = read_frames(path)
    assert np.array_equal(images, frames[[0, 2, 3, 1, 5, 4]])
    assert times.tolist() == [0.0, 0.1, 0.2, 0.3, 0.41, 0.5]
    assert [frame.index for frame in iterate(path)] == list(range(6))


def test_times_that_go_too_far_back_are_an_error(tmp_path):
    path = write_clip(tmp_path / "clip.mov", noise(40), ticks=[*range(100, 4000, 100), 50])
    assert "go back by more than 16 frames" in probe(path).error


def test_only_the_asked_frames_are_held_in_the_order_asked(tmp_path):
    frames = noise(9)
    path = write_clip(tmp_path / "clip.mov", frames)
    images, times = read_frames(path, [7, 2, 2])
    assert np.array_equal(images, frames[[7, 2, 2]])
    assert times.tolist() == [0.7, 0.2, 0.2]
    assert len(read_frames(path, [])[0]) == 0
    with pytest.raises(InputError, match=r"has 9 frames, no frame 9"):
        read_frames(path, [9])


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[1, 0], [0, 1]], [[1, 2, 3], [4, 5, 6]]),
        ([[0, 1], [-1, 0]], [[4, 1], [5, 2], [6, 3]]),  # a quarter turn clockwise
        ([[0, -1], [1, 0]], [[3, 6], [2, 5], [1, 4]]),
        ([[-1, 0], [0, -1]], [[6, 5, 4], [3, 2, 1]]),
        ([[-1, 0], [0, 1]], [[3, 2, 1], [6, 5, 4]]),  # mirrored left to right
        ([[1, 0], [0, -1]], [[4, 5, 6], [1, 2, 3]]),
        ([[0, 1], [1, 0]], [[1, 4], [2, 5], [3, 6]]),  # mirrored along the diagonal
    ],
)
def test_turned_and_mirrored_frames_becomeupright(matrix, expected):
    image = np.repeat(np.array([[[1], [2], [3]], [[4], [5], [6]]], np.uint8), 3, axis=2)
    turned = upright(image, np.array(matrix, np.int32) * 65536)
    assert turned[..., 0].tolist() == expected
    assert turned.flags.c_contiguous


def test_a_cut_file_says_after_how_many_frames_it_stops(tmp_path):
    path = write_clip(tmp_path / "clip.mov", noise(30))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : -4000] = bytes(len(data) - len(data) // 2 - 4000)
    path.write_bytes(data)
    seen = probe(path)
    assert seen.error.startswith(f"decoding stopped after {seen.frames} frames: ")
    assert 10 < seen.frames < 20
    with pytest.raises(InputError, match=r"clip\.mov: decoding stopped after"):
        read_frames(path)
    assert len(read_frames(path, [0, 3])[0]) == 2  # what lies before the damage is there for who asks for it


def test_what_is_no_video_says_what_it_is(tmp_path):
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "names\udcff.mp4").write_text("a name that is no text")
    with av.open(str(tmp_path / "sound.wav"), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    said = {path.name: probe(path) for path in [*tmp_path.iterdir(), tmp_path / "absent.mp4", tmp_path]}
    assert {name: seen.frames for name, seen in said.items()} == dict.fromkeys(said)
    assert said["empty.mp4"].error == "the file is empty"
    assert said["text.mp4"].error.startswith("not a video that FFmpeg can open")
    assert said["names\udcff.mp4"].error.startswith("not a video that FFmpeg can open")
    assert said["sound.wav"].error == "it has no video stream"
    assert said["absent.mp4"].error == "the file cannot be read: No such file or directory"
    assert said[tmp_path.name].error == "the file cannot be read: Is a directory"
    for path in (tmp_path / "empty.mp4", tmp_path / "sound.wav", tmp_path / "absent.mp4"):
        with pytest.raises(InputError, match=path.name):
            read_frames(path)


def test_a_size_that_changes_on_the_way_is_an_error(tmp_path):
    stream = io.BytesIO()
    for size in ((64, 48), (64, 48), (32, 24)):
        Image.new("RGB", size).save(stream, "JPEG")
    (tmp_path / "clip.mjpeg").write_bytes(stream.getvalue())
    seen = probe(tmp_path / "clip.mjpeg")
    assert seen.error == "unusable after 2 frames: the frame size changes from (64, 48) to (32, 24)"


def test_odd_videos_have_rows_with_what_they_hold_or_why_not(remote_file):
    folder = remote_file("data/odd_videos")
    assert {path.name for path in folder.iterdir()} == {*USABLE, *UNUSABLE}
    for name, expected in USABLE.items():
        seen = probe(folder / name)
        assert (seen.frames, seen.fps, seen.width, seen.height, seen.error) == (*expected, None), name
        images, times = read_frames(folder / name)
        assert images.shape == (seen.frames, seen.height, seen.width, 3), name
        assert np.all(np.diff(times) > 0), name
        assert times[0] == 0, name
    for name, error in UNUSABLE.items():
        assert probe(folder / name).error.startswith(error), name
        with pytest.raises(InputError, match=error):
            read_frames(folder / name)


def test_rotated_videos_are_as_upright_as_in_opencv(remote_file):
    folder = remote_file("data/odd_videos")
    for name in ("video_0.mov", "video_90.mov", "video_180.mov", "video_270.mov", "nasa_13013_rotated.mp4"):
        read, image = cv2.VideoCapture(str(folder / name)).read()
        assert read
        assert np.array_equal(read_frames(folder / name, [0])[0][0], image[..., ::-1]), name


def test_no_frame_waits_for_the_garbage_collector(remote_file):
    # It sees a few small objects, not a picture's bytes: of thousands of clips they would fill the memory.
    clip = remote_file("data/odd_videos") / "video_90.mov"
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            read_frames(clip, [0, 2])
            probe(clip)
        assert not [kept for kept in gc.get_objects() if isinstance(kept, av.VideoFrame)]
    finally:
        gc.enable()


def test_packed_b_frames_in_an_avi_come_in_the_order_of_the_movement(remote_file):
    # FFmpeg makes up presentation times for these that jump to and fro; by them, motion would go in jerks.
    for path in sorted(remote_file("data/ut_interaction/clips").iterdir())[::12]:
        images, times = read_frames(path)
        assert np.allclose(np.diff(times), 1 / 30)
        with av.open(str(path)) as container:
            told = np.argsort([picture.pts for picture in container.decode(video=0)])
        assert jerk(images) < 0.9 * jerk(images[told])


def jerk(images):
    small = images[:, ::2, ::2].astype(np.int16)
    return np.abs(np.diff(small, axis=0)).mean()
