"""HHIRChat in and out: what is read is what was written, and what is wrong is told by file, row and key."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stages.base import params
from stages.base.errors import InputError, guard
from stages.base.paths import Run
from stages.base.schema import HHIRCHAT, MANIFEST, STREAMS
from stages.base.tables import read_json, read_table, write_table
from stages.base.video.decode import read_frames
from stages.base.video.encode import VideoWriter
from stages.base.video.masks import run_lengths
from stages.chat import convert
from stages.chat.media import Tracked, referring, tracked
from stages.chat.table import read_rows, read_samples, write_chat, write_samples
from tests.class_list import write_class_list

#: The paper's Fig. 1.
FIGURE = {
    "id": 0,
    "p1": "0_p1.mp4",
    "p2": "0_p2.mp4",
    "bg": "0_bg.mp4",
    "conversations": [
        {"from": "human", "value": "Describe interaction between <p1> and <p2> in <bg>?"},
        {"from": "gpt", "value": "A person takes a step towards another person and swings a punch."},
        {"from": "human", "value": "Describe the activity in one word."},
        {"from": "gpt", "value": "Punching."},
    ],
}
OTHER = {**FIGURE, "id": 7, "p1": "clips/a.avi#t=2,4&track=1", "p2": "clips/a.avi#t=2,4&track=2", "bg": "ü/ñ.mp4"}


def written(value: object, name: str = "chat.json") -> Path:
    Path(name).write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return Path(name)


def run(*arguments: object) -> str:
    """Run the command; return the user's error, empty without one."""
    old, sys.argv = sys.argv, ["convert", *map(str, arguments)]
    try:
        guard(convert.main)
    except SystemExit as end:
        return str(end.code or "")
    finally:
        sys.argv = old
    return ""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("data").mkdir()


def test_what_goes_in_comes_out(capsys):
    whole = [FIGURE, OTHER, {**FIGURE, "id": 2, "conversations": FIGURE["conversations"] * 2}]
    assert run("import", written(whole), "a.parquet") == ""
    assert run("export", "a.parquet", "out.json") == ""
    assert read_json(Path("out.json")) == whole
    assert run("import", "out.json", "b.parquet") == ""
    assert read_rows(Path("b.parquet")) == read_rows(Path("a.parquet"))
    assert Path("a.parquet").read_bytes() == Path("b.parquet").read_bytes()
    assert "out.json: 3 samples" in capsys.readouterr().out
    assert read_table(Path("a.parquet"), HHIRCHAT)["id"].to_list() == [0, 7, 2]


def change(**more):
    return {**FIGURE, **more}


def turns(*changes):
    said = [dict(one) for one in FIGURE["conversations"]]
    for place, key, value in changes:
        said[place][key] = value
    return said


@pytest.mark.parametrize(
    ("sample", "error"),
    [
        (change(conversations=FIGURE["conversations"][:2]), "key 'conversations': 2 messages, expected a question"),
        (change(conversations=FIGURE["conversations"][:3]), "key 'conversations': 3 messages, expected a question"),
        (change(conversations=[]), "key 'conversations': no message"),
        (change(conversations="hello"), "key 'conversations': expected a list of turns"),
        (
            change(conversations=turns((2, "from", "robot"))),
            "key 'conversations[2].from': 'robot' speaks, expected human",
        ),
        (change(conversations=turns((2, "from", "gpt"))), "key 'conversations[2].from': gpt speaks again"),
        (change(conversations=turns((0, "from", "gpt"))), "key 'conversations[0].from': gpt speaks again"),
        (change(conversations=turns((1, "value", " "))), "key 'conversations[1].value': says nothing"),
        (change(conversations=turns((1, "value", 3))), "key 'conversations[1].value': says nothing"),
        (
            change(conversations=turns((0, "value", "What of <p1>?"))),
            "key 'conversations[0].value': does not mention <p2>",
        ),
        (change(conversations=[{"from": "human"}]), "key 'conversations[0]': expected an object of `from` and `value`"),
        (change(id="0"), "key 'id': '0' is no whole number from 0"),
        (change(id=-1), "key 'id': -1 is no whole number from 0"),
        (change(id=True), "key 'id': True is no whole number from 0"),
        (change(id=2**70), f"key 'id': {2**70} is no whole number from 0"),
        (change(id=9), "key 'id': row 0 has id 9 already"),
        (change(p1=None), "key 'p1': None is no path"),
        (change(p2="a\0b"), "key 'p2': 'a\\x00b' is no path"),
        (change(p1="/etc/passwd"), "key 'p1': '/etc/passwd' is outside of the data folder"),
        (change(p1="/etc/passwd#track=1"), "key 'p1': '/etc/passwd#track=1' is outside of the data folder"),
        (change(p2="a/../../b.mp4"), "key 'p2': 'a/../../b.mp4' is outside of the data folder"),
        (change(bg="c:\\b.mp4"), "key 'bg': 'c:\\\\b.mp4' is outside of the data folder"),
        (change(bg="link/b.mp4"), "key 'bg': 'link/b.mp4' is a link that leads out of the data folder"),
        ({key: FIGURE[key] for key in FIGURE if key != "bg"}, "key 'bg': is missing"),
        (change(extra=1), "key 'extra': is no key of a sample"),
        ([], "key 'row': expected an object"),
    ],
)
def test_a_sample_that_is_wrong_is_listed_and_the_others_go_on(sample, error, capsys, tmp_path):
    os.symlink(tmp_path.parent, "data/link")
    good = [change(id=9), sample, change(id=10)]
    assert run("import", written(good), "a.parquet") == ""
    said = capsys.readouterr().err
    assert "1 of 3 samples cannot be used" in said
    assert f"chat.json, row 1, {error}" in said
    rows = read_rows(Path("a.parquet"))
    assert [one.error is None for one in rows] == [True, False, True]
    assert run("export", "a.parquet", "out.json") == ""
    assert [one["id"] for one in read_json(Path("out.json"))] == [9, 10]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[{", "chat.json: not JSON"),
        (b"\xff\xfe", "chat.json: not JSON"),
        ({"id": 0}, "chat.json: expected a list of samples"),
        ([], "none of 0 samples can be used"),
        ([change(id="x")], "none of 1 samples can be used, the first: row 0, key 'id'"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_a_file_that_is_wrong_is_one_clear_error(content, message):
    if isinstance(content, bytes):
        Path("chat.json").write_bytes(content)
    else:
        written(content)
    said = run("import", "chat.json", "a.parquet")
    assert message in said
    assert "what to do" in said
    assert not Path("a.parquet").exists()


def test_files_that_are_not_there():
    assert "none.json: no such file" in run("import", "none.json", "a.parquet")
    assert "none.parquet: no such file" in run("export", "none.parquet", "a.json")


def test_a_lone_half_of_a_character_is_text_that_can_be_written():
    text = json.dumps([change(conversations=turns((1, "value", "A hug \ud83d.")))])
    samples = read_samples(written(text), Path("data"))
    write_samples(Path("a.parquet"), samples)
    assert read_rows(Path("a.parquet"))[0].conversations[1].value == "A hug \ufffd."


@pytest.mark.parametrize(
    ("path", "track", "expected"),
    [("a.avi", 1, "a.avi#track=1"), ("a.avi#t=2,4.5", 0, "a.avi#t=2,4.5&track=0"), ("b#c.avi", 2, "b#c.avi#track=2")],
)
def test_a_reference_is_read_back(path, track, expected):
    assert referring(path, track) == expected
    assert tracked(expected) == (path, track)


@pytest.mark.parametrize("path", ["a.avi", "a.avi#t=1,2", "a.avi#track=x", "a.avi#&track=1", "a.avi#t=1,2track=1"])
def test_what_is_no_reference_is_a_file(path):
    assert tracked(path) == Tracked(path, None)


HEIGHT, WIDTH, FRAMES = 31, 47, 5
RUN = Run("two")


def clip(streams: Path, licensed: bool = False) -> None:
    """Write a clip in which person 1 is red at the left, person 2 blue at the right; and others without the two."""
    Path("params.yaml").write_text(f"ingest: {{two: {{licensed: {str(licensed).lower()}}}}}")
    params.forget()
    picture = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    picture[:, :12], picture[:, -12:] = (250, 0, 0), (0, 0, 250)
    with VideoWriter(Path("data/two/clips/a.mp4"), 10) as writer:
        for _ in range(FRAMES):
            writer.add(picture)
    rows = []
    height, width = read_frames(Path("data/two/clips/a.mp4"))[0].shape[1:3]
    for track, columns in ((1, slice(0, 12)), (2, slice(WIDTH - 12, WIDTH))):
        mask = np.zeros((height, width), bool)
        mask[:, columns] = True
        box = [columns.start, 0, columns.stop, height]
        for clip_id, tracks in (("a", (1, 2)), ("b", (1,))):
            if track in tracks:
                rows += [
                    {"clip_id": clip_id, "track": track, "frame": frame, "box": box, "score": 1.0}
                    | {"mask": run_lengths(mask).tolist()}
                    for frame in range(FRAMES)
                ]
    write_table(streams / "tracks.parquet", rows, STREAMS)
    told = {"labels": ["hug"], "fps": 10.0, "frames": FRAMES, "narration": "Two people hug."}
    manifest = [
        {"clip_id": "a", "path": "data/two/clips/a.mp4", **told},
        {"clip_id": "b", "path": "data/two/clips/b.mp4", **told},
        {"clip_id": "c", "path": "data/two/clips/c.mp4", **told, "error": "cut short"},
        {"clip_id": "d", "path": "data/two/clips/d.mp4", **told, "narration": None},
    ]
    write_table(RUN.manifest, manifest, MANIFEST)
    write_class_list(RUN)


def test_clips_with_streams_become_samples_that_refer_to_them(capsys):
    clip(Path("data/two/streams/truth"))
    assert run("make", "two", "data/two/streams/truth", "chat.parquet") == ""
    said = capsys.readouterr().err
    assert "clip b: its streams have 1 of the two people" in said
    assert "clip c: cut short" in said
    assert "clip d: the manifest has no narration" in said
    assert run("export", "chat.parquet", "out.json") == ""
    (one,) = read_json(Path("out.json"))
    assert (one["id"], one["p1"], one["bg"]) == (0, "two/clips/a.mp4#track=1", "two/clips/a.mp4#track=0")
    assert [turn["value"] for turn in one["conversations"]] == [
        *("Describe interaction between <p1> and <p2> in <bg>?", "Two people hug."),
        *("Describe the activity in one word.", "hugging"),
    ]
    assert run("import", "out.json", "again.parquet") == ""
    assert read_rows(Path("again.parquet")) == [one for one in read_rows(Path("chat.parquet")) if one.error is None]


def test_clips_with_streams_become_three_masked_videos():
    clip(Path("data/two/streams/truth"))
    made = ("make", "two", "data/two/streams/truth", "chat.parquet", "--media", "write", "--folder", "data/two/masked")
    assert run(*made) == ""
    sample = read_rows(Path("chat.parquet"))[0]
    assert (sample.p1, sample.p2, sample.bg) == ("two/masked/0_p1.mp4", "two/masked/0_p2.mp4", "two/masked/0_bg.mp4")
    mean = {}
    for name in ("p1", "p2", "bg"):
        frames, _ = read_frames(Path("data") / getattr(sample, name))
        assert len(frames) == FRAMES
        mean[name] = [
            frames[:, 4:-4, columns].mean((0, 1, 2)).round(-1)
            for columns in ((slice(2, 9)), slice(38, 45), slice(16, 30))
        ]
    left, right, middle = range(3)
    assert mean["p1"][left][0] > 200
    assert mean["p1"][right].max() < 20
    assert mean["p1"][middle].max() < 20
    assert mean["p2"][right][2] > 200
    assert mean["p2"][left].max() < 20
    assert mean["p2"][middle].max() < 20
    assert mean["bg"][middle].min() > 90
    assert mean["bg"][left].max() < 20
    assert mean["bg"][right].max() < 20


@pytest.mark.parametrize("ignored", [False, True])
def test_masked_videos_of_a_licensed_set_go_where_git_ignores_them(ignored):
    clip(Path("data/two/streams/truth"), licensed=True)
    subprocess.run(["git", "init", "-q"], check=True)
    Path(".gitignore").write_text("/data/two/masked\n" if ignored else "")
    made = ("make", "two", "data/two/streams/truth", "chat.parquet", "--media", "write", "--folder", "data/two/masked")
    assert ("two is licensed, and git does not ignore 3 of its files" in run(*made)) == (not ignored)
    assert Path("chat.parquet").exists() == ignored


def test_masked_videos_go_below_the_data_folder_only():
    clip(Path("data/two/streams/truth"))
    made = ("make", "two", "data/two/streams/truth", "chat.parquet", "--media", "write", "--folder", "elsewhere")
    assert "elsewhere: is not below the data folder" in run(*made)
    assert run("--data", "other", "make", "two", "data/two/streams/truth", "chat.parquet") == ""
    assert "outside of the data folder" in read_rows(Path("chat.parquet"))[0].error
    with pytest.raises(InputError, match="no sample can be used"):
        write_chat(Path("out.json"), read_rows(Path("chat.parquet")))
