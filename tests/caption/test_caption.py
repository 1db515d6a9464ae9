import re
import shutil

import polars as pl
import pytest

from stages.base.errors import GateError, InputError
from stages.base.journal.store import Journal
from stages.base.schema import CAPTIONS
from stages.base.tables import read_table, write_json
from stages.base.video.keyframe_table import shard_name
from stages.vlm.base import Answer
from tests.small_run import KEYWORDS, PARAMS, guessing, kill_after, start, write_run


@pytest.fixture
def caption(tmp_path, monkeypatch, capsys):
    """Caption the run where the test works; return the output's path, answers computed, answers from the journal."""
    monkeypatch.chdir(tmp_path)

    def run(**guesser):
        guessing("caption", ["home", "guess"], **guesser)
        out = capsys.readouterr().out
        computed, known = re.search(r"(\d+) answers computed;.* (\d+) from journal", out).groups()
        return tmp_path / "data/home/captions.parquet", int(computed), int(known)

    return run


def test_every_usable_clip_has_a_caption_with_a_keyword(tmp_path, caption):
    write_run(tmp_path, clips=60)
    path, computed, known = caption(skill=0.3)
    table = read_table(path, CAPTIONS)
    names = sorted(KEYWORDS)
    assert len(table) == 60
    for row in table.iter_rows(named=True):
        held = [word for word in KEYWORDS[names[int(row["clip_id"][4:]) % 3]] if word in row["text"]]
        assert row["keywords"] == held
        assert held
    assert set(table["attempts"]) == {1, 2, 3}
    assert table["prompt_hash"].n_unique() == 2
    assert set(table.select("model", "revision").unique().rows()) == {("guess", "guess-1")}
    assert (computed, known) == (table["attempts"].sum(), 0)


def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path, caption, monkeypatch):
    write_run(tmp_path, clips=60)
    path, computed, _ = caption(skill=0.3)
    undisturbed = path.read_bytes()
    path.unlink()
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / ".journal"))
    process = start("caption", tmp_path, "home", "guess", skill=0.3, seconds=0.02)
    spared = kill_after(process, tmp_path / ".journal/caption", 70)  # in the second round of attempts
    assert not path.exists()
    assert caption(skill=0.3)[1:] == (computed - spared, spared)
    assert path.read_bytes() == undisturbed


def test_added_clips_cost_themselves_also_without_a_journal(tmp_path, caption, monkeypatch):
    write_run(tmp_path, clips=10)
    path, first, _ = caption(skill=0.3)
    write_run(tmp_path, clips=60)
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "none"))
    _, computed, known = caption(skill=0.3)
    grown = path.read_bytes()
    path.unlink()
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "another"))
    _, everything, _ = caption(skill=0.3)
    assert path.read_bytes() == grown
    assert (computed, known) == (everything - first, first)


def test_the_gate_names_the_clips_and_loses_nothing(tmp_path, caption):
    run = write_run(tmp_path, clips=6)
    # A back end that does not constrain: two clips get captions without a keyword.
    mute = {"clip00002": Answer("A person rests."), "clip00004": Answer("", "refused", "filtered")}
    with pytest.raises(GateError, match="2 of 6 clips") as caught:
        caption(silent=mute)
    assert "clip00002 (no keyword of Walk in 'A person rests.')" in str(caught.value)
    assert "clip00004 (refused: filtered)" in str(caught.value)
    assert not run.captions.exists()

    with Journal("caption") as journal:
        answered = len(journal)
    with pytest.raises(GateError):
        caption()
    with Journal("caption") as journal:
        assert len(journal) == answered


def test_captions_that_nobody_wrote_are_an_error_without_the_gate_too(tmp_path, caption):
    values = PARAMS | {"caption": {"home": PARAMS["caption"]["home"] | {"gate": False}}}
    write_run(tmp_path, clips=10, values=values)
    refused = {"clip00000": Answer("", "refused", "filtered"), "clip00001": Answer("", "refused", "filtered")}
    guessing("caption", ["home", "guess"], silent=refused)  # it was asked and did not say: that is counted
    lost = {clip: Answer("", "error", "rate limit") for clip in refused}
    write_run(tmp_path, clips=12, values=values)
    lost |= {f"clip{number:05}": Answer("", "error", "rate limit") for number in (10, 11)}
    before = (tmp_path / "data/home/captions.parquet").read_bytes()
    with pytest.raises(GateError, match="2 of 12 clips are errors, more than the 10%"):
        caption(silent=lost)
    assert (tmp_path / "data/home/captions.parquet").read_bytes() == before
    assert len(read_table(caption()[0], CAPTIONS)) == 12


def test_a_clip_without_keyframes_is_a_row_without_a_caption(tmp_path, caption):
    values = PARAMS | {"caption": {"home": PARAMS["caption"]["home"] | {"gate": False, "errors": 0.1}}}
    run = write_run(tmp_path, clips=10, values=values)
    frames = tmp_path / run.keyframes / shard_name(0)
    pl.read_parquet(frames).filter(pl.col("clip_id") != "clip00001").write_parquet(frames)
    path, computed, _ = caption()
    captions = read_table(path, CAPTIONS)
    assert captions.filter(captions["text"].is_null())["clip_id"].to_list() == ["clip00001"]
    assert (len(captions), computed) == (10, captions["attempts"].sum())


def test_an_error_is_asked_again_also_without_a_journal(tmp_path, caption, capsys, monkeypatch):
    block = PARAMS["caption"]["home"] | {"gate": False, "errors": 0.5}
    write_run(tmp_path, clips=10, values=PARAMS | {"caption": {"home": block}})
    guessing("caption", ["home", "guess"], silent={"clip00000": Answer("", "error", "rate limit")})
    assert "1 ended in an error: the same command asks again" in capsys.readouterr().out
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / "none"))
    path, computed, known = caption()
    assert (computed, known) == (1, 9)
    assert read_table(path, CAPTIONS)["text"].null_count() == 0


def test_a_class_without_keywords(tmp_path, caption):
    run = write_run(tmp_path)
    write_json(tmp_path / run.keywords, {"version": "test", "classes": KEYWORDS | {"Walk": []}})
    with pytest.raises(InputError, match="a class without keywords") as caught:
        caption()
    assert "'Walk'" in str(caught.value)


@pytest.mark.parametrize(
    ("model", "block"), [("none", PARAMS["caption"]["home"]), ("guess", None)], ids=["nobody writes", "none are wanted"]
)
def test_a_data_set_without_captions_has_the_empty_table(tmp_path, monkeypatch, capsys, model, block):
    """No keyframes and no keywords are needed: there is nobody to show them to."""
    monkeypatch.chdir(tmp_path)
    values = PARAMS | {"caption": {"home": block}, "vlm": PARAMS["vlm"] | {"none": {"backend": "none"}}}
    run = write_run(tmp_path, clips=6, values=values)
    shutil.rmtree(run.keyframes)
    run.keywords.unlink()
    assert guessing("caption", ["home", model]).answered == 0
    assert "no captions: nobody writes them" in capsys.readouterr().out
    assert read_table(run.captions, CAPTIONS).height == 0
