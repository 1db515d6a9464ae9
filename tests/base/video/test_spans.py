"""A window of a video is what decoding all of it and cutting gives, whatever the container and its index."""

from fractions import Fraction

import av
import numpy as np
import pytest

from stages.base.errors import InputError
from stages.base.video import decode
from stages.base.video.decode import iterate, probe, read_frames, timed_probe
from stages.base.video.sample import sample
from stages.base.video.spans import Span, fragment, located
from tests.base.video.clips import noise, write_clip
from tests.base.video.test_decode import USABLE


def long_clip(path, frames=200, rate=8, **options):
    """Write H.264 with B-frames and few frames from which decoding can start."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        stream.options = {"bf": "3", "threads": "1", **options}
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 256, (48, 64, 3)).astype(np.uint8)
        for number in range(frames):
            image = np.roll(picture, 3 * number, axis=1)
            image[:8, : number % 64] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def check(path, spans):
    images, times = read_frames(path)
    for span in spans:
        inside = [place for place, time in enumerate(times) if span.holds(time)]
        found, seconds = read_frames(fragment(path, span))
        assert len(found) == len(inside), span
        if inside:
            assert np.array_equal(found, images[inside]), span
            assert np.allclose(seconds, times[inside] - times[inside[0]], atol=1e-9), span


def windows(duration, length, hop):
    return [Span(start, start + length) for start in np.arange(0, max(duration, length), hop)]


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "ts", "mov"])
def test_windows_are_cuts_of_the_whole(tmp_path, suffix):
    check(long_clip(tmp_path / f"clip.{suffix}", g="40"), windows(25, 2, 1.5))


def test_open_groups_of_pictures_too(tmp_path):
    check(long_clip(tmp_path / "clip.mp4", g="20", flags="-cgop", **{"x264-params": "open-gop=1"}), windows(25, 2, 1))


@pytest.mark.parametrize("name", sorted(USABLE))
def test_windows_of_odd_videos(remote_file, name):
    path = remote_file("data/odd_videos") / name
    duration = probe(path).duration
    check(path, windows(min(duration, 3), duration / 3, duration / 4))


def test_decoding_starts_near_the_window(tmp_path, monkeypatch):
    path = long_clip(tmp_path / "clip.mp4", g="16")
    decoded = []
    timed = decode.timed
    monkeypatch.setattr(decode, "timed", lambda *of: (decoded.append(1) or one for one in timed(*of)))
    read_frames(fragment(path, Span(0, 1)))
    decoded.clear()
    assert len(read_frames(fragment(path, Span(20, 22)))[0]) == 16
    assert len(decoded) <= 16 + 16 + 2 * 17  # the window, what lies before it, and reordering


def test_a_window_is_sampled_as_a_video_of_its_own(tmp_path):
    frames = noise(40)
    path = write_clip(tmp_path / "clip.mov", frames)
    window = fragment(path, Span(1, 3))
    assert [frame.index for frame in iterate(window)] == list(range(20))
    images, times = sample(window, 4)
    assert np.array_equal(images, frames[[12, 17, 22, 27]])
    assert times.tolist() == pytest.approx([0.2, 0.7, 1.2, 1.7])
    assert np.array_equal(sample(window, 4, frames=20)[0], images)
    assert (probe(window).frames, probe(window).width) == (20, 64)
    assert timed_probe(path)[1] == pytest.approx([place / 10 for place in range(40)])
    with pytest.raises(InputError, match="has 20 frames, no frame 20"):
        read_frames(window, [20])


def test_a_window_beyond_the_end_has_no_frames(tmp_path):
    path = write_clip(tmp_path / "clip.mov", noise(10))
    assert len(read_frames(fragment(path, Span(5, 7)))[0]) == 0
    assert probe(fragment(path, Span(5, 7))).error == "no frame decodes"
    assert "the file cannot be read" in probe(fragment(tmp_path / "none.mov", Span(1, 2))).error


def test_a_file_that_changes_is_seen_anew(tmp_path):
    path = tmp_path / "clip.mov"
    for count, later in ((10, 500), (12, 0)):
        frames = noise(count, seed=count)
        write_clip(path, frames, ticks=[100 * place + later for place in range(count)])
        assert np.array_equal(read_frames(fragment(path, Span(0.2, 0.5)))[0], frames[2:5])


@pytest.mark.parametrize("seconds", [0, 0.1 + 0.2, 1 / 3, 1e6 + 0.000001, Fraction(7, 8)])
def test_fragments_come_back(seconds):
    span = Span(float(seconds), float(seconds) + 2)
    file, found = located(fragment("a/b#c.mp4", span))
    assert file == "a/b#c.mp4"
    assert np.allclose(found, span, atol=1e-6)
    assert located("a/b#c.mp4") == ("a/b#c.mp4", None)
    assert located("a.mp4#t=3") == ("a.mp4#t=3", None)
