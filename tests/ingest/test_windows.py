"""Recordings cut into windows, labelled by annotations: outputs, and what a user with bad annotations reads."""

import json
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base.paths import Run
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import read_table
from stages.base.video.decode import probe, read_frames
from stages.base.video.spans import Span
from stages.ingest.audit import audit_protocol
from stages.ingest.manifest_rows import Row
from stages.ingest.params import Windows
from stages.ingest.parts import Parts, Usable
from stages.ingest.protocols import PROTOCOLS, Part
from stages.ingest.windows import frames_of, labels, spans
from stages.labels.rules import Rules
from tests.ingest.clips import write_clip
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

# How long an example takes depends on the machine.
unhurried = settings(deadline=None)

RUN = Run("tiny")
RULES = {
    "requires": {"ventilation": ["baby_visible"], "stimulation": ["baby_visible"], "suction": ["baby_visible"]},
    "excludes": [["ventilation", "suction"]],
}
NAMES = [f"p{number:02d}_m00_t00_r{number:03d}" for number in range(4)]
#: A recording has 60 frames, 6 s.
GOOD = [
    (name, *row)
    for name in NAMES
    for row in (("baby_visible", 1.0, 6.0), ("suction", 1.0, 2.1), ("ventilation", 3.2, 5.0))
]


def block(windows=None, **changes):
    cut = {"length": 2, "overlap": 0.5, "share": 0.5, "annotations": "annotations.csv", "unit": "seconds"}
    values = {
        "adapter": "resuscitation",
        "licensed": False,
        "labels": "multi",
        "windows": {**cut, **(windows or {})},
        "rules": RULES,
        "accept_leaks": [],
        "protocols": {"unseen_recordings": {"test": 0.25, "validation": 0.25, "seed": 0}},
    }
    return {"ingest": {"tiny": {**values, **changes}}}


@pytest.fixture
def clips(workplace):
    for seed, name in enumerate(NAMES):
        write_clip(workplace.folder / "clips" / f"{name}.mp4", seed=seed, frames=60)
    annotate(workplace, GOOD)
    return workplace.folder / "clips"


def annotate(workplace, rows, header="recording,label,start,end"):
    text = "\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n"
    (workplace.folder / "clips" / "annotations.csv").write_text(text)


def audit():
    return {item["kind"]: item for item in json.loads((RUN.metrics / "audit.json").read_text())}


def test_windows_their_frames_labels_and_parts(workplace, clips, capsys):
    assert workplace.run("ingest", "tiny", "clips", values=block()) == ""
    assert "ingest tiny: 20 clips, 1 protocols" in capsys.readouterr().out
    manifest = read_table(RUN.manifest, MANIFEST)
    first = manifest.filter(manifest["group"] == NAMES[0])
    assert first["clip_id"].to_list() == [f"{NAMES[0]}_{1000 * start:07d}" for start in range(5)]
    assert first["start"].to_list() == [0, 1, 2, 3, 4]
    assert (first["end"] - first["start"]).to_list() == first["duration"].to_list() == [2.0] * 5
    assert first["labels"].to_list() == [
        [],  # the newborn is seen for half of it, which is not more than half
        ["baby_visible", "suction"],
        ["baby_visible"],  # 0.8 s of ventilation
        ["baby_visible", "ventilation"],
        ["baby_visible"],
    ]
    assert manifest["subject"].unique(maintain_order=True).to_list() == ["00", "01", "02", "03"]
    assert manifest["md5"].n_unique() == 20
    whole, _ = read_frames(clips / f"{NAMES[0]}.mp4")
    for row in first.iter_rows(named=True):
        images, _ = read_frames(row["path"])
        assert row["frames"] == len(images) == 20
        assert np.array_equal(images, whole[int(10 * row["start"]) : int(10 * row["end"])])
    splits = read_table(RUN.splits, SPLITS).join(manifest.select("clip_id", "group"), on="clip_id")
    assert splits.group_by("group").agg(pl.col("part").n_unique())["part"].to_list() == [1] * 4
    assert splits["part"].value_counts(sort=True)["count"].to_list() == [10, 5, 5]
    assert set(audit()) == {"camera_on_both_sides"}


def test_same_bytes_and_nothing_decoded_twice(workplace, clips, monkeypatch, capsys):
    files = (RUN.manifest, RUN.splits, RUN.metrics / "audit.json")
    assert workplace.run("ingest", "tiny", "clips", values=block()) == ""
    first = [path.read_bytes() for path in files]
    annotate(workplace, GOOD[::-1])
    assert workplace.run("ingest", "tiny", "clips", values=block(), compute={"workers": 2}) == ""
    assert "4 from journal" in capsys.readouterr().out
    assert [path.read_bytes() for path in files] == first
    # A manifest of windows does not say what its recordings hold: an empty journal stays empty, nothing goes wrong.
    monkeypatch.setenv("HAR_JOURNAL", str(workplace.folder / "journal"))
    assert workplace.run("ingest", "tiny", "clips", values=block()) == ""
    assert "0 from journal" in capsys.readouterr().out
    assert [path.read_bytes() for path in files] == first
    assert workplace.run("ingest", "tiny", "clips", values=block({"overlap": 0})) == ""
    assert read_table(RUN.manifest, MANIFEST)["start"].to_list() == [0.0, 2.0, 4.0] * 4


def test_milliseconds_spreadsheets_and_further_columns(workplace, clips):
    assert workplace.run("ingest", "tiny", "clips", values=block()) == ""
    first = read_table(RUN.manifest, MANIFEST)
    rows = [
        (label, f"{name}.mp4", f" {1000 * end:g}", f"{1000 * start:g} ", "a note") for name, label, start, end in GOOD
    ]
    annotate(workplace, rows, "\ufefflabel,recording,end,start,note")
    assert workplace.run("ingest", "tiny", "clips", values=block({"unit": "milliseconds"})) == ""
    assert read_table(RUN.manifest, MANIFEST).equals(first)


def test_what_is_odd_is_a_row_or_a_finding_and_ends_nothing(workplace, clips):
    (clips / f"{NAMES[3]}.mp4").write_bytes(b"")
    write_clip(clips / "p04_m00_t00_r004.mp4", seed=9, frames=60)  # of which nobody says anything
    write_clip(clips / "p05_m00_t00_r005.mp4", seed=10, frames=12)
    rows = [
        *GOOD,
        (NAMES[1], "ventilation", 0.5, 5.5),
        ("p05_m00_t00_r005", "baby_visible", 0, 1.2),
        ("p09_m00_t00_r009", "suction", 0, 1),
        (NAMES[2], "suction", 3.0, 6.3),
    ]
    annotate(workplace, rows)
    assert workplace.run("ingest", "tiny", "clips", values=block()) == ""
    manifest = read_table(RUN.manifest, MANIFEST)
    errors = dict(manifest.drop_nulls("error").select("clip_id", "error").iter_rows())
    assert errors[NAMES[3]] == "the file is empty"
    assert errors["p04_m00_t00_r004"] == "the recording has no annotations in clips/annotations.csv"
    assert errors["p05_m00_t00_r005"] == "shorter than a window of 2 s"
    assert errors[f"{NAMES[1]}_0001000"] == "labels break a rule: ventilation with suction"
    assert errors[f"{NAMES[2]}_0003000"] == "labels break a rule: ventilation with suction"
    assert set(read_table(RUN.splits, SPLITS)["clip_id"]).isdisjoint(errors)
    found = audit()
    assert found["overlapping_annotations"]["examples"] == [f"{NAMES[1]} (rows 7, 14)"]
    assert found["overlapping_annotations"]["severity"] == "note"
    assert found["annotations_without_video"]["examples"] == ["p09_m00_t00_r009 (rows 16)"]
    broken = [
        item
        for item in json.loads((RUN.metrics / "audit.json").read_text())
        if item["kind"] == "annotations_break_rules"
    ]
    assert {item["text"].rpartition(": ")[2]: item["examples"] for item in broken} == {
        "ventilation with suction": [f"{NAMES[1]} (rows 6, 14)", f"{NAMES[2]} (rows 10, 17)"],
        "ventilation without baby_visible": [f"{NAMES[1]} (rows 14)"],
    }
    assert found["labels_break_rules"]["clips"] == len([one for one in errors.values() if "rule" in one])
    assert found["no_annotations"]["clips"] == 1


def test_frames_are_times_by_the_rate_of_their_video(workplace, clips):
    assert workplace.run("ingest", "tiny", "clips", values=block()) == ""
    first = read_table(RUN.manifest, MANIFEST)
    annotate(workplace, [(name, label, round(10 * start), round(10 * end)) for name, label, start, end in GOOD])
    assert workplace.run("ingest", "tiny", "clips", values=block({"unit": "frames"})) == ""
    assert read_table(RUN.manifest, MANIFEST).drop("journal_key").equals(first.drop("journal_key"))


def test_frames_of_a_video_whose_rate_varies_are_no_times(workplace, clips):
    write_clip(clips / f"{NAMES[3]}.mp4", seed=9, frames=60, ticks=lambda place: place * (1 if place < 30 else 3))
    annotate(workplace, [(name, "baby_visible", 10, 40) for name in NAMES])
    protocols = {"unseen_recordings": {"test": 0.34, "validation": 0.33, "seed": 0}}
    assert workplace.run("ingest", "tiny", "clips", values=block({"unit": "frames"}, protocols=protocols)) == ""
    errors = dict(read_table(RUN.manifest, MANIFEST).drop_nulls("error").select("clip_id", "error").iter_rows())
    assert list(errors) == [NAMES[3]]
    assert errors[NAMES[3]].startswith("its frame rate varies")


def test_no_unit_is_advised_where_two_would_fit(workplace, clips):
    annotate(workplace, [(N, "suction", 10, 40)])  # frames of a video of 60, or 0.01 to 0.04 s
    told = workplace.run("ingest", "tiny", "clips", values=block())
    assert "milliseconds and frames both fit" in told
    assert "set windows.unit" not in told


def test_annotations_that_all_lie_at_the_beginning_are_told(workplace, clips):
    annotate(workplace, [(name, "baby_visible", 10, 59) for name in NAMES])  # they are frames
    assert workplace.run("ingest", "tiny", "clips", values=block({"unit": "milliseconds"})) == ""
    assert audit()["annotations_end_early"]["severity"] == "warning"
    assert "see whether the file counts milliseconds" in audit()["annotations_end_early"]["text"]


N = NAMES[0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((N, "suction", 4, 9), "row 3, key 'end': suction ends at 9 s, the video of p00_m00_t00_r000 at 6 s"),
        ((N, "suction", 1000, 3000), "milliseconds, set windows.unit: milliseconds"),
        ((N, "suction", 6.1, 6.2), "row 3, key 'end'"),
        ((N, "suction", -1, 2), "row 3, key 'start': -1 is before the recording begins"),
        ((N, "suction", 3, 2), "row 3, key 'end': end 2 is not after start 3"),
        ((N, "suction", 3, 3), "row 3, key 'end'"),
        ((N, "suction", "soon", 3), "row 3, key 'start': 'soon' is no number"),
        ((N, "suction", 1, "nan"), "row 3, key 'end': 'nan' is no number"),
        ((N, "suction", 1), "row 3, key 'end': has 3 fields, the first line names 4 columns"),
        ((N, "suction", 1, ""), "row 3, key 'end': '' is no number"),
        ((N, "suction", 2, 4, 3, 9), "row 3, key 'end': has 6 fields, the first line names 4 columns"),
        ((N, "feeding", 1, 2), "row 3, key 'label': no such label: feeding"),
        ((N, "", 1, 2), "row 3, key 'label': is empty"),
        (("", "suction", 1, 2), "row 3, key 'recording': is empty"),
    ],
)
def test_an_impossible_annotation_is_told_with_file_row_and_key(workplace, clips, row, message):
    annotate(workplace, [(N, "baby_visible", 0, 6), row])
    told = workplace.run("ingest", "tiny", "clips", values=block())
    assert told.startswith("error: clips/annotations.csv, row 3, key ")
    assert message in told
    assert "what to do: " in told
    assert not RUN.manifest.exists()


@pytest.mark.parametrize(
    ("values", "header", "message"),
    [
        ({"windows": {"annotations": "none.csv"}}, None, "clips/none.csv: no such file"),
        ({}, "recording,label,from,to", "row 1: columns start, end are missing"),
        ({"windows": {"overlap": 1}}, None, "windows.overlap"),
        ({"labels": "single"}, None, "say labels: multi"),
        ({"windows": {"unit": "minutes"}}, None, "windows.unit"),
        ({"rules": {"requires": {"suction": ["baby"]}, "excludes": []}}, None, "no such label: baby"),
        ({"rules": {"excludes": [["suction"]]}}, None, "rules"),
        ({"protocols": {"unseen_recordings": {"test": 0.5, "validation": 0.5, "seed": 0}}}, None, "too few for 2"),
    ],
)
def test_bad_params_and_files_are_told_in_a_sentence(workplace, clips, values, header, message):
    if header:
        annotate(workplace, GOOD, header)
    told = workplace.run("ingest", "tiny", "clips", values=block(**values))
    assert told.startswith("error: ")
    assert message in told


def test_a_recording_on_both_sides_is_a_leak():
    rows = {
        name: Row(name, labels=("suction",), subject="1", group=group, md5=name)
        for name, group in (("a0", "a"), ("a1", "a"), ("b0", "b"))
    }
    parts = [Part("", "a0", "train"), Part("", "a1", "test"), Part("", "b0", "test")]
    protocol = PROTOCOLS["unseen_recordings"]
    found = {
        item.kind: item
        for item in audit_protocol("unseen_recordings", "", protocol.apart, Parts(Usable(rows.values()), parts))
    }
    assert found["group_on_both_sides"].severity == "leak"
    assert found["group_on_both_sides"].examples == ["a1"]
    assert found["subject_on_both_sides"].severity == "note"


lengths = st.sampled_from([0.5, 1.0, 2.0, 3.3])


@unhurried
@given(st.floats(0.1, 90), lengths, st.sampled_from([0.0, 0.25, 0.5, 2 / 3]))
def test_windows_fill_a_recording_and_never_pass_its_end(duration, length, overlap):
    found = spans(duration, Windows(length=length, overlap=overlap, share=0.5, annotations="", unit="seconds"))
    hop = length * (1 - overlap)
    assert all(abs(span.start - place * hop) < 1e-5 for place, span in enumerate(found))
    assert all(abs(span.end - span.start - length) < 1e-5 and span.end < duration + 1e-3 for span in found)
    assert (found[-1].end + hop if found else length) > duration


def test_frames_counted_are_those_decoded(tmp_path):
    path = write_clip(tmp_path / "clip.mp4", frames=37)
    times = [place / 10 for place in range(37)]
    windows = [Span(0, 0.7), Span(0.35, 1.05), Span(3.0, 3.7), Span(3.65, 4)]
    counted = frames_of(times, windows)
    assert counted == [7, 7, 7, 0]
    assert counted[:3] == [probe(f"{path}#t={span.start},{span.end}").frames for span in windows[:3]]
    assert frames_of(times, []) == []


times = st.lists(st.floats(0, 10), min_size=2, max_size=8, unique=True).map(sorted)


@unhurried
@given(times, st.data(), st.floats(0, 8), st.sampled_from([0.5, 0.6, 0.75]))
def test_labels_that_exclude_each_other_in_time_do_so_in_windows(edges, data, start, share):
    pieces = list(pairwise(edges))
    of = [data.draw(st.sampled_from(["ventilation", "suction", None])) for _ in pieces]
    said = {name: [piece for piece, one in zip(pieces, of, strict=True) if one == name] for name in set(of) - {None}}
    held = labels(said, Span(start, start + 2), share)
    assert not list(Rules(**RULES).broken({*held, "baby_visible"}))
