"""The audit on small made-up sets, each with one thing wrong."""

import pytest

from stages.base.errors import InputError
from stages.ingest.adapters import load
from stages.ingest.audit import audit_protocol
from stages.ingest.manifest_rows import Row
from stages.ingest.params import IngestParams
from stages.ingest.parts import Parts, Usable
from stages.ingest.protocols import PROTOCOLS, Part
from stages.ingest.split import split
from tests.ingest.clips import smarthome_rows

CS = {"cs": {"validation": False}}


def params(protocols=CS, published=None, official=None, accept=()):
    return IngestParams(
        adapter="smarthome",
        licensed=False,
        protocols=protocols,
        published=published or {},
        official=official or {},
        accept_leaks=list(accept),
    )


def audit(rows, others=(), **options):
    return split(rows, list(others), params(**options), load("smarthome"))


def kinds(findings):
    return {(item.protocol, item.kind): item for item in findings}


def clip(label, subject, camera=1, recording=0):
    return f"{label}_p{subject:02d}_r{recording:02d}_v01_c{camera:02d}"


GOOD = [clip(label, subject, camera) for label in ("Walk", "Enter") for subject in (3, 2) for camera in (1, 2)]


def write(path, names):
    path.write_text("".join(f"{name}.mp4\n" for name in names))
    return str(path)


def test_a_good_set_has_nothing_but_a_note_on_cameras():
    found = audit(smarthome_rows(*GOOD)).findings
    assert [(item.kind, item.severity, item.clips) for item in found] == [("camera_on_both_sides", "note", 4)]
    assert found[0].cameras == {"01": 2, "02": 2}
    assert found[0].examples == sorted(name for name in GOOD if "_p02" in name)


def test_names_that_do_not_parse_and_labels_outside_the_list_are_found_and_split_nowhere():
    bad = ["nonsense", "Fly_p02_r00_v01_c01", GOOD[0].replace("_v", ".v"), GOOD[0]]
    rows = smarthome_rows(*GOOD, *bad)
    splits = audit(rows, others=["table.csv"])
    found = kinds(splits.findings)
    assert found["all", "unparsed_name"].examples == [GOOD[0].replace("_v", ".v"), "nonsense"]
    assert found["all", "unknown_label"].examples == ["Fly_p02_r00_v01_c01"]
    assert found["all", "duplicate_name"].clips == 1
    assert found["all", "other_files"].examples == ["table.csv"]
    assert {part.clip_id for part in splits.parts["cs"]} == set(GOOD)
    assert len(rows) == len(GOOD) + len(bad)


def test_broken_clips_are_found_and_in_no_part():
    rows = [row._replace(error="no frame decodes") if row.clip_id == GOOD[0] else row for row in smarthome_rows(*GOOD)]
    splits = audit(rows)
    assert kinds(splits.findings)["all", "broken_clip"].examples == [GOOD[0]]
    assert GOOD[0] not in {part.clip_id for part in splits.parts["cs"]}


def test_the_same_bytes_on_both_sides_are_a_leak_whatever_the_names_say():
    rows = [
        row._replace(md5="m" if row.clip_id in (GOOD[0], GOOD[2]) else row.clip_id) for row in smarthome_rows(*GOOD)
    ]
    found = kinds(audit(rows).findings)
    assert found["all", "duplicate_content"].clips == 2
    assert found["cs", "md5_on_both_sides"].severity == "leak"
    assert found["cs", "md5_on_both_sides"].examples == [GOOD[2]]


@pytest.mark.parametrize("column", ["subject", "group"])
def test_a_split_that_breaks_its_promise_is_a_leak_that_names_who(column):
    usable = {row.clip_id: row for row in smarthome_rows(*GOOD)}
    parts = [Part("", name, "test" if name in GOOD[:3] else "train") for name in GOOD]
    found = kinds(audit_protocol("cs", "rule", PROTOCOLS["cs"].apart, Parts(Usable(usable.values()), parts)))
    leak = found["cs", f"{column}_on_both_sides"]
    assert (leak.severity, leak.clips, leak.subjects) == ("leak", 3, {"02": 1, "03": 2})


def test_train_and_validation_that_share_a_subject_are_a_warning():
    rows = {row.clip_id: row for row in smarthome_rows(*GOOD)}
    parts = [Part("", name, "test" if "_p02" in name else "train") for name in GOOD]
    parts[0] = parts[0]._replace(part="validation")
    found = kinds(audit_protocol("cs", "rule", PROTOCOLS["cs"].apart, Parts(Usable(rows.values()), parts)))
    assert found["cs", "subject_in_train_and_validation"].severity == "warning"
    assert not [item for item in found.values() if item.severity == "leak"]


def test_classes_and_parts_that_are_missing():
    rows = smarthome_rows(*GOOD, clip("Leave", 3), clip("Getup", 2))
    found = kinds(audit(rows).findings)
    assert found["cs", "class_without_test_clips"].classes == ["Leave"]
    assert found["cs", "class_without_train_clips"].classes == ["Getup"]
    assert ("cs", "no_test_part") in kinds(audit(smarthome_rows(clip("Walk", 3))).findings)
    assert ("cs", "no_train_part") in kinds(audit(smarthome_rows(clip("Walk", 2))).findings)


def test_a_class_of_one_subject_cannot_be_trained_where_that_subject_is_left_out():
    rows = smarthome_rows(*GOOD, clip("Leave", 3), clip("Walk", 4))
    found = kinds(audit(rows, protocols={"leave_one_subject_out": {"validation": True}}).findings)
    lacking = found["leave_one_subject_out", "class_without_train_clips"]
    assert "Leave" in lacking.classes
    assert ("leave_one_subject_out", "class_without_test_clips") not in found


def test_labels_of_a_multi_label_set_are_looked_at_one_by_one():
    rows = {
        name: Row(name, labels=labels, subject=name[0])
        for name, labels in {"a1": ("x",), "a2": ("x", "y"), "b1": ("y",), "b2": ("x", "z")}.items()
    }
    parts = [Part("", name, "train" if name[0] == "a" else "test") for name in rows]
    found = kinds(audit_protocol("p", "rule", ("subject",), Parts(Usable(rows.values()), parts)))
    assert found["p", "class_without_train_clips"].examples == ["b2"]
    assert ("p", "class_without_test_clips") not in found


def test_clips_in_no_part_are_counted_with_the_rule_that_left_them_out():
    rows = smarthome_rows(*GOOD, clip("Walk", 3, camera=6), clip("Leave", 3, camera=1))
    found = kinds(audit(rows, protocols={"cv1": {"validation": True}}).findings)
    assert found["cv1", "in_no_part"].clips == 2
    assert "camera 1 trains" in found["cv1", "in_no_part"].text
    assert found["cv1", "subject_on_both_sides"].severity == "note"


def test_phase1_names_the_classes_that_have_too_few():
    rows = smarthome_rows(*GOOD, clip("Leave", 3))
    found = kinds(audit(rows, protocols={"phase1": {"clips": 4, "seed": 0, "rest": "train"}}).findings)
    assert found["phase1", "few_clips"].classes == ["Leave"]


def test_a_published_list_that_tests_train_subjects_is_a_leak_unless_accepted(tmp_path):
    listed = {"p": {"test": write(tmp_path / "l.txt", [GOOD[0], GOOD[2], GOOD[3]]), "of": "cs"}}
    splits = audit(smarthome_rows(*GOOD), published=listed)
    leak = kinds(splits.findings)["p", "train_clips_in_test_list"]
    assert (leak.severity, leak.clips, leak.subjects, leak.accepted) == ("leak", 1, {"03": 1}, False)
    assert splits.findings[0].severity == "leak"
    assert "03 (1)" in leak.text
    assert kinds(splits.findings)["p", "test_clips_not_in_list"].clips == 2
    assert kinds(splits.findings)["p", "subject_on_both_sides"].clips == 1
    leaks = [item for item in audit(smarthome_rows(*GOOD), published=listed, accept=["p"]).findings if item.accepted]
    assert {item.severity for item in leaks} == {"leak"}
    parts = {part.clip_id: part.part for part in splits.parts["p"]}
    assert parts == {
        GOOD[0]: "test",
        GOOD[2]: "test",
        GOOD[3]: "test",
        GOOD[1]: "train",
        GOOD[4]: "train",
        GOOD[5]: "train",
    }


def test_a_published_list_of_unknown_clips_is_an_error_that_nothing_accepts(tmp_path):
    names = [GOOD[2], GOOD[2], clip("Walk", 7), "nonsense"]
    listed = {"p": {"test": write(tmp_path / "l.txt", names), "of": "cs"}}
    found = kinds(audit(smarthome_rows(*GOOD), published=listed, accept=["p"]).findings)
    assert found["p", "unknown_clips"].severity == "error"
    assert found["p", "unknown_clips"].examples == [clip("Walk", 7)]
    assert found["p", "unparsed_entries"].severity == "error"
    assert found["p", "listed_twice"].examples == [GOOD[2]]
    assert not any(item.accepted for item in found.values() if item.severity == "error")


def test_official_lists_are_compared_clip_by_clip(tmp_path):
    train = [name for name in GOOD if "_p03" in name]
    test = [name for name in GOOD if "_p02" in name]
    files = {
        "train": write(tmp_path / "train.txt", [*train[1:], "Pour.Fromcup_p03_r00_v03_c04"]),
        "validation": write(tmp_path / "validation.txt", train[:1]),
        "test": write(tmp_path / "test.txt", test[1:]),
    }
    found = kinds(audit(smarthome_rows(*GOOD), official={"cs": files}).findings)
    assert found["cs", "unknown_clips"].examples == ["Pour_Fromcup_p03_r00_v03_c04"]
    assert "Pour_Fromcup is not among its 31 classes" in found["cs", "unknown_clips"].text
    assert found["cs", "differs_from_official"].examples == test[:1]
    assert found["cs", "agrees_with_official"].clips == len(GOOD) - 1


@pytest.mark.parametrize("content", ["", "nonsense\n"])
def test_a_list_without_clips_is_an_input_error(tmp_path, content):
    (tmp_path / "l.txt").write_text(content)
    with pytest.raises(InputError, match="names no clip"):
        audit(smarthome_rows(*GOOD), published={"p": {"test": str(tmp_path / "l.txt"), "of": "cs"}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"published": {"p": {"test": "l.txt", "of": "cv1"}}},
        {"published": {"cs": {"test": "l.txt", "of": "cs"}}},
        {"accept": ["typo"]},
    ],
)
def test_params_that_name_no_protocol_are_refused(wrong):
    with pytest.raises(ValueError, match="protocol"):
        params(**wrong)
