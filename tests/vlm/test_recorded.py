import json
from pathlib import Path

import pytest

from stages.base.errors import InputError
from stages.vlm.base import Request
from stages.vlm.recorded import Recorded, clip_name, read_generations, tell, unused

CLIP = "Cook_Cut_p02_r00_v14_c03"


def write(path, content):
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("mark", ["_0.jpeg--", "_0.jpg--", "_12.jpg--", ".mp4#"])
def test_every_published_separator(tmp_path, mark):
    text = "cutting --bread# \n   Answer: a .mp4# and _0.jpg-- in the text stay"
    got = read_generations(write(tmp_path / "a.json", [CLIP + mark + text]))
    assert got == ({CLIP: text}, [])


def test_object_from_clip_to_text(tmp_path):
    assert read_generations(write(tmp_path / "a.json", {CLIP: ""})).texts == {CLIP: ""}


def test_official_spelling_names_the_same_clip():
    assert clip_name("Cook.Cut_p02_r00_v14_c03") == CLIP


def test_nothing_is_dropped_in_silence(tmp_path):
    entries = [f"{CLIP}.mp4#one", "no separator here", f"{CLIP}.mp4#one", f"{CLIP}.mp4#two", 7]
    got = read_generations(write(tmp_path / "a.json", entries))
    assert got.texts == {CLIP: "one"}
    assert [(problem.entry, problem.kind) for problem in got.problems] == [
        ("1", "unparsed"),
        ("2", "duplicate"),
        ("3", "conflict"),
        ("4", "unparsed"),
    ]
    assert len(got.texts) + len(got.problems) == len(entries)


def test_entries_that_answer_for_no_clip_are_told_by_file_and_entry(tmp_path, capsys):
    path = write(tmp_path / "a.json", [f"{CLIP}.mp4#one", "no separator", "Fly_p02_r00_v14_c03.mp4#flies"])
    said = tell("infer tiny a", unused(path, {CLIP, "Walk_p02_r00_v14_c03"}))
    assert said == "; 2 entries of a.json not used (1 unknown_clip, 1 unparsed)"
    assert capsys.readouterr().out.splitlines() == [
        "infer tiny a: warning: a.json, entry 1: unparsed: no clip and text in 'no separator'",
        "infer tiny a: warning: a.json, entry Fly_p02_r00_v14_c03: unknown_clip: no such clip in the manifest",
    ]


def test_a_file_of_nothing_else_is_told_in_few_lines_and_counted_whole(tmp_path, capsys):
    path = write(tmp_path / "a.json", ["no separator"] * 500)
    assert tell("infer tiny a", unused(path, {CLIP})) == "; 500 entries of a.json not used (500 unparsed)"
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "infer tiny a: warning: and 480 more such entries of a.json"
    assert tell("infer tiny a", unused(write(tmp_path / "b.json", {CLIP: "one"}), {CLIP})) == ""


def test_text_that_is_no_text(tmp_path):
    got = read_generations(write(tmp_path / "a.json", {CLIP: None}))
    assert [problem.kind for problem in got.problems] == ["unparsed"]


@pytest.mark.parametrize(("content", "says"), [('["a', "line 1"), ("3", "int"), ("", "not JSON")])
def test_unusable_file_names_itself(tmp_path, content, says):
    path = tmp_path / "cut.json"
    path.write_text(content)
    with pytest.raises(InputError, match=r"cut\.json") as caught:
        read_generations(path)
    assert says in str(caught.value)


def test_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(InputError, match="what to do"):
        Recorded(tmp_path / "none.json").revision  # noqa: B018 (reading the file is the property's work)


def test_missing_clip_is_an_answer_of_its_own(tmp_path):
    backend = Recorded(write(tmp_path / "a.json", {CLIP: "cutting"}))
    answers = dict(backend.answer([Request("?", clip_id=CLIP), Request("?", clip_id="other")]))
    assert [(answer.text, answer.status) for answer in answers.values()] == [("cutting", "ok"), ("", "missing")]


def test_missing_file_with_a_pointer_names_the_pull(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.json.dvc").touch()
    with pytest.raises(InputError, match=r"dvc pull a\.json\.dvc"):
        Recorded(Path("a.json")).revision  # noqa: B018 (reading the file is the property's work)
