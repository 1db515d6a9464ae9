import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base.errors import InputError
from stages.ingest import adapters
from stages.ingest.adapters import Named, folders, load, smarthome, ut_interaction, weizmann
from stages.ingest.sources import read_names

numbers = st.integers(0, 99).map(lambda number: f"{number:02d}")


@settings(deadline=None)
@given(st.sampled_from(sorted(smarthome.CLASSES)), numbers, numbers, numbers, numbers)
def test_smarthome_reads_back_what_its_grammar_writes_in_both_spellings(label, subject, recording, view, camera):
    rest = f"_p{subject}_r{recording}_v{view}_c{camera}"
    expected = Named(label + rest, (label,), subject, camera, f"p{subject}_r{recording}")
    assert smarthome.parse(label + rest) == expected
    assert smarthome.parse(label.replace("_", ".") + rest) == expected
    assert smarthome.parse(f"some/folder/{label}{rest}") == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Walk",
        "Walk_p02",
        "Walk_p02_r00_v01",
        "Walk_p2x_r00_v01_c01",
        "_p02_r00_v01_c01",
        "Walk_p02_r00_v01_c01_0",
        "Walk_p٣_r00_v01_c01",
        "Walk p02 r00 v01 c01",
    ],
)
def test_smarthome_takes_no_other_name(name):
    assert smarthome.parse(name) is None


def test_weizmann():
    assert weizmann.parse("daria_bend") == Named("daria_bend", ("bend",), "daria")
    assert weizmann.parse("ido_wave1") == Named("ido_wave1", ("wave1",), "ido")
    assert weizmann.parse("lena_walk2") == Named("lena_walk2", ("walk",), "lena")
    assert weizmann.parse("daria") is None


def test_ut_interaction():
    told = "Two people stand face to face and shake hands in greeting."
    assert ut_interaction.parse("17_3_0") == Named("17_3_0", ("handshake",), group="3", narration=told)
    assert ut_interaction.parse("segmented_set2/5_11_4").labels == ("punch",)
    assert ut_interaction.parse("17_3_6") is None


def test_folders():
    assert folders.parse("set1/waving/a.b") == Named("set1/waving/a.b", ("waving",))
    assert folders.parse("no_folder") is None


def test_every_published_clip_name_is_in_the_grammar(remote_file):
    names = read_names(remote_file("data/published/vlms_har_rhms/captions.json"))
    named = [smarthome.parse(name) for name in names]
    assert len({one.clip_id for one in named}) == len(names) == 16115
    assert {label for one in named for label in one.labels} == smarthome.CLASSES


@pytest.mark.parametrize(("folder", "adapter"), [("weizmann", weizmann), ("ut_interaction", ut_interaction)])
def test_every_real_clip_name_is_in_its_grammar(remote_file, folder, adapter):
    clips = sorted(remote_file(f"data/{folder}/clips").iterdir())
    named = [adapter.parse(clip.stem) for clip in clips]
    assert len({one.clip_id for one in named}) == len(clips) == 60
    assert {label for one in named for label in one.labels} <= adapter.CLASSES


NEW = """
from stages.ingest.adapters import Named

GRAMMAR = "{subject}-{class}"


def parse(name):
    subject, mark, label = name.partition("-")
    return Named(name, (label,), subject) if mark else None
"""


def test_a_new_data_set_is_one_small_file(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(NEW)
    monkeypatch.setattr(adapters, "__path__", [*adapters.__path__, str(tmp_path)])
    adapter = load("mine")
    assert adapter.parse("ann-wave") == Named("ann-wave", ("wave",), "ann")
    assert adapter.classes is None


def test_an_unknown_adapter_is_answered_with_those_there_are():
    with pytest.raises(InputError, match="smarthome"):
        load("smarthme")
