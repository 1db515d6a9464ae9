import json

import pytest

from stages.base.errors import InputError
from stages.ingest.adapters import load
from stages.ingest.manifest_rows import NOT_IN_GRAMMAR, TAKEN, UNKNOWN_LABEL, Entry, rows_of
from stages.ingest.sources import read_names, read_source

WALK = "Walk_p02_r00_v01_c03"


def test_a_folder_gives_videos_and_names_what_else_there_is(tmp_path):
    for name in ("a/x.mp4", "a/y.AVI", "a/.hidden", "table.parquet", "b/c/z.mkv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = read_source(tmp_path)
    assert [entry.name for entry in found.entries] == ["a/x", "a/y", "b/c/z"]
    assert found.entries[0].path == f"{tmp_path.as_posix()}/a/x.mp4"
    assert found.others == ["a/.hidden", "table.parquet"]


@pytest.mark.parametrize(
    "entry", [WALK, f"{WALK}.mp4", f"{WALK}_0.jpeg--a -- text\n#", f"{WALK}_0.jpg--x.mp4#y", f"{WALK}.mp4#x_0.jpg--y"]
)
def test_every_spelling_of_an_entry_gives_its_clip(tmp_path, entry):
    (tmp_path / "a.json").write_text(json.dumps([entry]))
    [found] = read_source(tmp_path / "a.json").entries
    assert (found.name, found.path) == (WALK, None)


def test_an_object_gives_its_keys_and_a_text_its_lines(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({WALK: "text"}))
    (tmp_path / "a.txt").write_text(f"{WALK}.mp4\n\n")
    assert read_names(tmp_path / "a.json") == [WALK]
    assert read_names(tmp_path / "a.txt") == [f"{WALK}.mp4"]


@pytest.mark.parametrize("content", ['["a", ', "7", '["a", 7]', "", "[]"])
def test_a_bad_list_is_an_error_that_names_it(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"a\.json.*\n.*what to do"):
        read_source(tmp_path / "a.json")


def test_a_text_of_other_bytes_is_an_error(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not text"):
        read_names(tmp_path / "a.txt")


def test_a_folder_without_clips_is_an_error(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"no clips here, only 1 other"):
        read_source(tmp_path)


def test_a_missing_source_says_how_to_pull_it(tmp_path):
    (tmp_path / "clips.dvc").touch()
    with pytest.raises(InputError, match=r"dvc pull .*clips\.dvc.*HAR_REMOTE"):
        read_source(tmp_path / "clips")
    with pytest.raises(InputError, match=r"dvc pull .*clips\.dvc.*HAR_REMOTE"):
        read_names(tmp_path / "clips" / "names.txt")


def test_every_name_becomes_a_row():
    names = [WALK, "Walk.p02", "Pour.Fromcup_p11_r00_v03_c04", "Cook.Cut_p02_r00_v01_c03", "Cook_Cut_p02_r00_v01_c03"]
    rows = {row.clip_id: row for row in rows_of([Entry(name, name) for name in [*names, WALK]], load("smarthome"))}
    assert len(rows) == 6
    assert rows[WALK].error is None
    assert rows[WALK].labels == ("Walk",)
    assert rows["Walk.p02"].error.startswith(NOT_IN_GRAMMAR)
    assert rows["Pour_Fromcup_p11_r00_v03_c04"].error == f"{UNKNOWN_LABEL}: Pour_Fromcup"
    assert rows["Cook_Cut_p02_r00_v01_c03"].error is None
    assert rows["Cook_Cut_p02_r00_v01_c03 (2)"].error.startswith(TAKEN)
    assert rows[f"{WALK} (2)"].error.startswith(TAKEN)
    assert sum(bool(row.labels) for row in rows.values()) == 2
