"""The stage as its command line runs it: outputs, bytes, and what a user with bad input reads."""

import json
import os
from pathlib import Path

import pytest
import yaml

from stages.base.paths import Run
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import read_table
from stages.labels.classes import read_classes
from tests.ingest.clips import write_clip
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

RUN = Run("tiny")
NAMES = [
    f"{label}_p{subject}_r00_v01_c0{camera}"
    for label in ("Walk", "Cook.Cut")
    for subject in ("03", "02")
    for camera in (1, 2)
]


def block(**changes):
    values = {
        "adapter": "smarthome",
        "licensed": False,
        "published": {},
        "official": {},
        "protocols": {"cs": {"validation": False}, "phase1": {"clips": 1, "seed": 0, "rest": "none"}},
        "accept_leaks": [],
    }
    return {"ingest": {"tiny": {**values, **changes}}}


@pytest.fixture
def clips(workplace):
    for seed, name in enumerate(NAMES):
        write_clip(workplace.folder / "clips" / f"{name}.mp4", seed=seed)
    return workplace.folder / "clips"


def written(workplace):
    return {
        path: (workplace.folder / path).read_bytes()
        for path in (RUN.manifest, RUN.classes, RUN.splits, RUN.metrics / "audit.json")
    }


def test_outputs_and_their_bytes(workplace, clips, monkeypatch, capsys):
    assert workplace.run("ingest", "tiny", "clips", values=block()) == ""
    assert capsys.readouterr().out.startswith(
        "ingest tiny: 8 clips, 2 protocols, 3 findings in metrics/tiny/audit.json; 0"
    )
    manifest = read_table(RUN.manifest, MANIFEST)
    assert manifest["clip_id"].to_list() == sorted(name.replace(".", "_") for name in NAMES)
    assert manifest["path"][0] == "clips/Cook.Cut_p02_r00_v01_c01.mp4"
    assert manifest["frames"].to_list() == [5] * 8
    splits = read_table(RUN.splits, SPLITS)
    assert splits["protocol"].value_counts(sort=True).rows() == [("cs", 8), ("phase1", 2)]
    classes = read_classes(RUN)
    assert classes.words == {"Cook_Cut": "cutting food", "Walk": "walking"}
    assert not classes.many
    first = written(workplace)
    # From an empty journal and with more processes, and from a full one: the same bytes.
    monkeypatch.setenv("HAR_JOURNAL", str(workplace.folder / "journal"))
    RUN.manifest.unlink()
    assert workplace.run("ingest", "tiny", "clips", values=block(), compute={"workers": 2}) == ""
    assert written(workplace) == first
    assert workplace.run("ingest", "tiny", "clips", values=block()) == ""
    assert written(workplace) == first
    assert "8 from journal" in capsys.readouterr().out


def test_a_broken_clip_and_a_strange_name_end_nothing(workplace, clips, capsys):
    (clips / "Walk_p02_r01_v01_c01.mp4").write_bytes(b"")
    (clips / "holiday.mp4").write_bytes(b"")
    assert workplace.run("ingest", "tiny", "clips", values=block()) == ""
    assert "failed 2: Walk_p02_r01_v01_c01, holiday.mp4" in capsys.readouterr().out
    errors = read_table(RUN.manifest, MANIFEST).drop_nulls("error")["clip_id"].to_list()
    assert errors == ["Walk_p02_r01_v01_c01", "holiday.mp4"]


def test_a_name_that_is_no_text_is_a_row_and_ends_nothing(workplace, clips):
    for name in (b"Walk_p02_r09_v01_\xff01.mp4", b"notes_\xff.txt"):
        Path(os.fsdecode(os.path.join(os.fsencode(clips), name))).write_bytes(b"x")
    assert workplace.run("ingest", "tiny", "clips", values=block()) == ""
    row = read_table(RUN.manifest, MANIFEST).drop_nulls("error").row(0, named=True)
    assert row["clip_id"] == "Walk_p02_r09_v01_\\xff01.mp4"
    assert row["error"] == "the file's name is not UTF-8: rename it"
    assert "notes_\\\\xff.txt" in (RUN.metrics / "audit.json").read_text()


def test_a_leak_stops_the_stage_after_the_audit_and_goes_on_when_accepted(workplace):
    (workplace.folder / "names.txt").write_text("\n".join(NAMES))
    (workplace.folder / "test.json").write_text(json.dumps([NAMES[0], NAMES[2], NAMES[3]]))
    values = block(published={"listed": {"test": "test.json", "of": "cs"}})
    message = workplace.run("ingest", "tiny", "names.txt", values=values)
    assert "listed, train_clips_in_test_list" in message
    assert "test.json tests 1 clips that cs trains or validates on, of its 3; by subject: 03 (1)" in message
    assert f": {NAMES[0]}\n" in message
    assert "name its protocol under ingest.tiny.accept_leaks: listed" in message
    audit = json.loads((RUN.metrics / "audit.json").read_text())
    assert audit[0]["severity"] == "leak"
    assert {"protocol", "kind", "clips", "subjects", "cameras", "examples"} <= set(audit[0])
    assert not RUN.manifest.exists()
    values["ingest"]["tiny"]["accept_leaks"] = ["listed"]
    assert workplace.run("ingest", "tiny", "names.txt", values=values) == ""
    assert json.loads((RUN.metrics / "audit.json").read_text())[0]["accepted"]
    assert read_table(RUN.manifest, MANIFEST)["path"].to_list() == [None] * 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"adapter": "smarthme"}, "no adapter 'smarthme'"),
        ({"published": {"listed": {"test": "cut.json", "of": "cs"}}}, "cut.json: not JSON"),
        (
            {"published": {"listed": {"test": "unknown.json", "of": "cs"}}},
            "unknown.json names 1 clips that the data set does not have: Walk_p02_r09_v01_c01\n",
        ),
        ({"official": {"cs": {"train": "a.txt", "validation": "a.txt", "test": "a.txt"}}}, "a.txt: no such file"),
        ({"protocols": {"cs": {"validation": "maybe"}}}, "ingest.tiny.protocols.cs.validation"),
        ({"protocols": {"random": {"folds": 30, "seed": 0, "validation": False}}}, "choose fewer folds"),
        ({"surprise": 1}, "surprise"),
        ({"source": "clips"}, "ingest.tiny.source"),
    ],
)
def test_bad_input_is_told_in_a_sentence(workplace, changes, message):
    (workplace.folder / "empty").mkdir()
    (workplace.folder / "names.txt").write_text("\n".join(NAMES))
    (workplace.folder / "cut.json").write_text(json.dumps(NAMES)[:-9])
    (workplace.folder / "unknown.json").write_text(json.dumps([NAMES[2], "Walk_p02_r09_v01_c01"]))
    told = workplace.run("ingest", "tiny", "names.txt", values=block(**changes))
    assert message in told
    assert told.startswith("error: ")


def test_all_about_a_data_set_stands_in_its_file_and_an_unknown_key_of_it_is_told(workplace, clips):
    file = workplace.folder / "params/datasets/tiny.yaml"
    file.parent.mkdir(parents=True)
    values = block()["ingest"]["tiny"]
    file.write_text(yaml.safe_dump({"ingest": values}))
    assert workplace.run("ingest", "tiny", "clips", values={}) == ""
    assert len(read_table(RUN.manifest, MANIFEST)) == len(NAMES)
    file.write_text(yaml.safe_dump({"ingest": values | {"adaptor": "smarthome"}}))
    told = workplace.run("ingest", "tiny", "clips", values={})
    assert "key 'ingest.tiny.adaptor': Extra inputs are not permitted" in told
    file.write_text(yaml.safe_dump({"keyframes": values}))
    assert "key 'ingest.tiny': no such param" in workplace.run("ingest", "tiny", "clips", values={})


@pytest.mark.parametrize(
    ("clips", "message"),
    [
        ("nowhere", "nowhere: no such folder or file"),
        ("empty", "empty: no clips here"),
        ("cut.json", "cut.json: not JSON"),
    ],
)
def test_clips_that_are_not_there_are_told_in_a_sentence(workplace, clips, message):
    (workplace.folder / "empty").mkdir()
    (workplace.folder / "cut.json").write_text(json.dumps(NAMES)[:-9])
    told = workplace.run("ingest", "tiny", clips, values=block())
    assert message in told
    assert told.startswith("error: ")


def test_subsets_of_classes_stand_apart(workplace, clips):
    subsets = {
        "cs_seen": {"of": "cs", "classes": ["Walk"], "kept": True},
        "cs_unseen": {"of": "cs", "classes": ["Walk"], "kept": False},
    }
    assert workplace.run("ingest", "tiny", "clips", values=block(subsets=subsets)) == ""
    splits = read_table(RUN.splits, SPLITS)
    of = {name: splits.filter(splits["protocol"] == name).select("clip_id", "part").rows() for name in ("cs", *subsets)}
    assert sorted(of["cs_seen"] + of["cs_unseen"]) == of["cs"]
    assert {clip.partition("_p")[0] for clip, _ in of["cs_seen"]} == {"Walk"}
    subsets["cs_seen"]["classes"] = ["Wlak"]
    said = workplace.run("ingest", "tiny", "clips", values=block(subsets=subsets))
    assert "Wlak" in said
    assert "cs_seen" in said
    subsets["cs_seen"] |= {"classes": ["Walk"], "of": "cv1"}
    assert "cv1" in workplace.run("ingest", "tiny", "clips", values=block(subsets=subsets))
