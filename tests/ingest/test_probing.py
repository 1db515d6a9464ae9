import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import av
import pytest

from stages.base.journal.store import Journal
from stages.base.params import Compute
from stages.base.schema import MANIFEST
from stages.base.tables import write_table
from stages.base.video.decode import Probe
from stages.ingest import probing
from stages.ingest.adapters import load
from stages.ingest.manifest_rows import NOT_IN_GRAMMAR, rows_of
from stages.ingest.probing import VERSION, look_at, probe_rows
from stages.ingest.sources import read_source
from tests.conftest import ROOT
from tests.ingest.clips import write_clip

NO_MANIFEST = Path("none.parquet")
#: What probing showed when it was written; a change of it needs another VERSION in probing.py.
GOLDEN = (1, {"frames": 84, "fps": 25.0, "duration": 3.36, "width": 180, "height": 144, "error": None})


def rows_in(folder, adapter="folders"):
    return rows_of(read_source(folder).entries, load(adapter))


def aborting(windows, most, path):
    """Look, but die on one file as a decoder in C may."""
    if path.name == "crash.mp4":
        os.abort()
    return look_at(windows, most, path)


def hanging(windows, most, path):
    """Look, but hang on one file where no Python can be interrupted."""
    if path.name == "hang.mp4":
        signal.pthread_sigmask(signal.SIG_BLOCK, set())
        ctypes.PyDLL(None).sleep(600)  # it holds the interpreter's lock
    return look_at(windows, most, path)


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        write_clip(tmp_path / "clips" / "wave" / f"{number}.mp4", seed=number)
    return tmp_path / "clips"


def test_real_clip_gives_what_it_gave(remote_file, tmp_path):
    (tmp_path / "daria_bend.avi").symlink_to(remote_file("data/weizmann/clips") / "daria_bend.avi")
    [row] = probe_rows(rows_in(tmp_path, "weizmann"), 1, NO_MANIFEST).rows
    seen = {field: getattr(row, field) for field in Probe._fields}
    assert (VERSION, {**seen, "fps": round(seen["fps"], 6), "duration": round(seen["duration"], 6)}) == GOLDEN
    assert (row.bytes, row.subject, row.labels) == ((tmp_path / "daria_bend.avi").stat().st_size, "daria", ("bend",))


def test_every_odd_video_is_a_row_and_the_broken_ones_say_why(remote_file, tmp_path):
    odd = shutil.copytree(remote_file("data/odd_videos"), tmp_path / "clips" / "odd_videos")
    rows = {row.clip_id: row for row in probe_rows(rows_in(odd.parent), 2, NO_MANIFEST).rows}
    assert len(rows) == len(list(odd.iterdir()))
    broken = {clip_id for clip_id, row in rows.items() if row.error}
    assert {"odd_videos/empty", "odd_videos/header_only", "odd_videos/text", "odd_videos/corrupted"} <= broken
    for clip_id, row in rows.items():
        assert row.md5
        assert clip_id in broken or (row.frames > 0 and row.width > 0 and row.duration >= 0)
    assert rows["odd_videos/empty"].bytes == 0
    # Upright: the container says 90 degrees.
    assert rows["odd_videos/video_90"].height > rows["odd_videos/video_90"].width


def test_a_second_run_decodes_nothing_and_a_grown_set_only_what_is_new(folder):
    first = probe_rows(rows_in(folder), 1, NO_MANIFEST)
    write_clip(folder / "jump" / "new.mp4", seed=9)
    shutil.copy(folder / "wave" / "0.mp4", folder / "jump" / "same.mp4")
    second = probe_rows(rows_in(folder), 1, NO_MANIFEST)
    assert (first.known, second.known, len(second.rows)) == (0, 5, 6)
    assert [row for row in second.rows if row.labels == ("wave",)] == first.rows


def test_rows_do_not_depend_on_processes_or_order(folder, monkeypatch, tmp_path):
    rows = rows_in(folder)
    one = probe_rows(rows, 1, NO_MANIFEST).rows
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "empty"))
    assert probe_rows(rows[::-1], 2, NO_MANIFEST).rows == one[::-1]


def test_the_last_manifest_refills_a_lost_journal(folder, monkeypatch, tmp_path):
    (folder / "wave" / "broken.mp4").write_bytes(b"no video")
    (folder / "stray.mp4").write_bytes((folder / "wave" / "0.mp4").read_bytes() + b"!")
    first = probe_rows(rows_in(folder), 1, NO_MANIFEST).rows
    manifest = tmp_path / "manifest.parquet"
    write_table(manifest, (row.written() for row in first), MANIFEST)
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "empty"))
    second = probe_rows(rows_in(folder), 1, manifest)
    assert second.rows == first
    # The stray clip's error comes from its name, so its row does not tell whether it decodes.
    assert second.known == len(first) - 1


def test_a_name_error_stands_beside_what_decoding_shows(folder):
    write_clip(folder / "stray.mp4", seed=9)
    stray = {row.clip_id: row for row in probe_rows(rows_in(folder), 1, NO_MANIFEST).rows}["stray.mp4"]
    assert stray.error.startswith(NOT_IN_GRAMMAR)
    assert (stray.frames, stray.width) == (5, 32)


def test_a_file_that_cannot_be_read_is_a_row(folder):
    (folder / "wave" / "gone.mp4").symlink_to(folder / "nowhere.mp4")
    rows = {row.clip_id: row for row in probe_rows(rows_in(folder), 1, NO_MANIFEST).rows}
    assert rows["wave/gone"].error == "the file cannot be read: No such file or directory"
    assert rows["wave/gone"].md5 is None


def test_a_crash_of_the_decoder_costs_one_clip_and_is_tried_again(folder):
    write_clip(folder / "wave" / "crash.mp4", seed=9)
    rows = {row.clip_id: row for row in probe_rows(rows_in(folder), 2, NO_MANIFEST, look=aborting).rows}
    assert rows["wave/crash"].error.startswith("the decoder crashed")
    assert [row.error for clip_id, row in rows.items() if clip_id != "wave/crash"] == [None] * 4
    with Journal("probe") as journal:
        assert len(journal) == 4
    again = probe_rows(rows_in(folder), 1, NO_MANIFEST)
    assert again.known == 4
    assert not [row for row in again.rows if row.error]


def test_a_decoder_that_hangs_costs_one_clip_and_is_tried_again(folder, monkeypatch):
    write_clip(folder / "wave" / "hang.mp4", seed=9)
    monkeypatch.setattr(probing, "compute", lambda: Compute(clip_seconds=5))
    rows = {row.clip_id: row for row in probe_rows(rows_in(folder), 2, NO_MANIFEST, look=hanging).rows}
    assert rows["wave/hang"].error == "the decoder crashed: not done after 5 s, twice"
    assert [row.error for clip_id, row in rows.items() if clip_id != "wave/hang"] == [None] * 4
    assert probe_rows(rows_in(folder), 1, NO_MANIFEST).known == 4


def test_large_frames_are_not_decoded_and_another_limit_tries_again(folder):
    small = 32 * 24
    wide = folder / "wave" / "wide.mp4"
    write_clip(wide, seed=9, size=(64, 24))
    rows = {row.clip_id: row for row in probe_rows(rows_in(folder), 1, NO_MANIFEST, most=small).rows}
    assert rows["wave/wide"].error == "its frames are too large: 64 x 24 pixels, 768 are allowed (`pixels` of `ingest`)"
    assert rows["wave/wide"].frames is None
    assert rows["wave/wide"].journal_key is None
    assert not any(row.error for clip_id, row in rows.items() if clip_id != "wave/wide")
    again = probe_rows(rows_in(folder), 1, NO_MANIFEST)
    assert again.known == 4
    assert not any(row.error for row in again.rows)
    # What the journal knows of it lets nothing pass.
    rows = {row.clip_id: row for row in probe_rows(rows_in(folder), 1, NO_MANIFEST, most=small).rows}
    assert rows["wave/wide"].error.startswith("its frames are too large")


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "ts"])
def test_large_frames_are_not_in_memory(tmp_path, suffix):
    """FFmpeg decodes some frames when it opens a file: H.264 of 16,000 x 16,000 pixels took 1.1 GiB under any limit."""
    side = 4096
    with av.open(str(tmp_path / f"wide.{suffix}"), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "threads": "1"})
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        frame = av.VideoFrame(side, side, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        for place in range(2):
            frame.pts = place
            container.mux(stream.encode(frame))
        container.mux(stream.encode())

    def peak(most: int) -> int:
        looking = (
            "import sys; from stages.base.video.decode import timed_probe\n"
            "print(timed_probe(sys.argv[1], int(sys.argv[2]))[0].error)\n"
            "print(*[line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')])"
        )
        command = [sys.executable, "-c", looking, tmp_path / f"wide.{suffix}", str(most)]
        said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
        error, kibibytes = said.splitlines()
        assert error.startswith("its frames are too large" if most < side**2 else "None")
        return int(kibibytes) * 1024

    assert peak(32 * 24) < peak(side**2) - side**2, "not even the brightness of one frame"


@pytest.mark.parametrize("suffix", ["mp4", "m4v", "avi"])
def test_what_the_stream_says_of_its_size_counts_where_the_container_lies(folder, suffix):
    """An MPEG-4 stream that is larger than its container says: the header of the one in the box of the other."""
    wide = write_clip(folder / "wave" / f"wide.{suffix}", seed=9, size=(64, 24))
    content = wide.read_bytes()
    wide.write_bytes(content.replace((64).to_bytes(2, "big") + bytes(2), (32).to_bytes(2, "big") + bytes(2)))
    rows = {row.clip_id: row for row in probe_rows(rows_in(folder), 1, NO_MANIFEST, most=32 * 24).rows}
    assert rows["wave/wide"].error


def test_what_is_no_file_is_a_row_and_not_opened(folder):
    wave = folder / "wave"
    os.mkfifo(wave / "pipe.mp4")
    (wave / "noise.mp4").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(wave / "socket.mp4"))
        rows = {row.clip_id: row for row in probe_rows(rows_in(folder), 1, NO_MANIFEST).rows}
    assert {clip_id: row.error for clip_id, row in rows.items() if row.error} == {
        "wave/pipe": "not a file: it is a pipe",
        "wave/socket": "not a file: it is a socket",
        "wave/noise": "not a file: it is a device",
    }
