"""Adapters of two-person data sets, on small files of their published form, through `ingest` to the manifest."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from stages.annotated import hollywood2, jpl_interaction, kinetics_interactions, shakefive2, sports_hhi
from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import read_json, read_table
from stages.ingest.adapters import load as adapter
from stages.ingest.adapters import sbu_kinect, tv_human_interaction
from stages.taxonomy.load import load
from tests.annotated import interactions as small
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

RUN = Run("two")
BOX = "0.1,0.1,0.2,0.4,0.3,0.1,0.4,0.4"


def ingest(workplace, name: str, clips: str, protocols: dict, **more) -> pl.DataFrame:
    block = {"adapter": name, "licensed": False, "protocols": protocols, "accept_leaks": [], **more}
    assert workplace.run("ingest", "two", clips, values={"ingest": {"two": block}}) == ""
    return read_table(RUN.manifest, MANIFEST)


def names(folder: Path, *listed: str) -> str:
    return str(small.write(folder / "names.txt", "\n".join(listed)))


def parts(protocol: str) -> dict[tuple[str, str], set[str]]:
    found: dict[tuple[str, str], set[str]] = {}
    for row in read_table(RUN.splits, SPLITS).filter(protocol=protocol).iter_rows(named=True):
        found.setdefault((row["fold"], row["part"]), set()).add(row["clip_id"])
    return found


def row(manifest: pl.DataFrame, clip_id: str) -> dict:
    return manifest.row(by_predicate=pl.col("clip_id") == clip_id, named=True)


def told(manifest: pl.DataFrame) -> None:
    """Each usable clip has a sentence of its class: the reference text of the first turn."""
    classes = load().classes
    for one in manifest.filter(pl.col("error").is_null()).iter_rows(named=True):
        assert one["narration"] in classes[one["labels"][0]]
        assert one["narration"] == load().sentence(one["labels"][0], one["clip_id"])


def test_ut_interaction_leaves_a_sequence_out(workplace):
    listed = [f"segmented_set1/{clip}_{sequence}_{clip % 6}.avi" for sequence in (1, 2, 3) for clip in range(6)]
    manifest = ingest(
        workplace, "ut_interaction", names(workplace.folder, *listed), {"leave_one_group_out": {"validation": False}}
    )
    told(manifest)
    assert set(manifest["labels"].explode()) == {"handshake", "hug", "kick", "point", "punch", "push"}
    assert parts("leave_one_group_out")["2", "test"] == {f"{clip}_2_{clip}" for clip in range(6)}
    words = {one["name"]: one["words"] for one in read_json(RUN.classes)["classes"]}
    assert words["handshake"] == "shaking hands"  # the answer of the second turn


def test_tv_human_interaction_has_the_two_sets_of_its_readme(workplace):
    assert {label: len(clips) for label, clips in tv_human_interaction.SET_1.items()} == {
        **dict.fromkeys(["handShake", "highFive", "hug", "kiss"], 25),
        "negative": 50,
    }
    listed = ["handShake_0001", "handShake_0002", "highFive_0026", "highFive_0027", "hug_0001", "hug_0002"]
    listed += ["kiss_0002", "kiss_0001", "negative_0051", "negative_0050", "handshake_0001"]
    manifest = ingest(
        workplace,
        "tv_human_interaction",
        names(workplace.folder, *listed),
        {"leave_one_group_out": {"validation": False}},
    )
    told(manifest)
    assert row(manifest, "highFive_0027")["labels"] == ["high_fiving"]
    assert row(manifest, "negative_0050")["labels"] == ["no_interaction"]
    assert "name not in the grammar" in row(manifest, "handshake_0001")["error"]
    assert parts("leave_one_group_out")["set1", "test"] == {
        *("handShake_0002", "highFive_0027", "hug_0002", "kiss_0001", "negative_0050"),
    }


def test_sbu_has_five_folds_over_pairs(workplace):
    pairs = adapter("sbu_kinect").parse("a/s07s03/08/002")
    assert (pairs.clip_id, pairs.labels, pairs.subject, pairs.group) == (
        *("s07s03_08_002", ("exchanging_objects",), "s07s03", "3"),
    )
    assert adapter("sbu_kinect").parse("s07s07/08/002") is None
    assert adapter("sbu_kinect").parse("s07s03/09/002") is None
    listed = [f"{pair}/{label:02d}/001" for pair in sbu_kinect.PAIRS for label in range(1, 9)]
    manifest = ingest(
        workplace, "sbu_kinect", names(workplace.folder, *listed), {"leave_one_group_out": {"validation": False}}
    )
    told(manifest)
    assert len(manifest) == 21 * 8
    assert row(manifest, "s01s02_07_001")["labels"] == ["handshake"]
    found = parts("leave_one_group_out")
    assert {clip.partition("_")[0] for clip in found["1", "test"]} == {"s01s02", "s03s04", "s05s02", "s06s04"}
    assert [len(found[str(fold), "test"]) // 8 for fold in range(1, 6)] == [4, 4, 4, 4, 5]


def test_ntu_splits_by_subject_by_camera_and_by_setup(workplace):
    listed = [
        f"S{setup:03}C{camera:03}P{subject:03}R001A{action:03}_rgb.avi"
        for setup in (1, 2)
        for camera in (1, 2, 3)
        for subject in (1, 3)
        for action in (50, 120)
    ]
    protocols = {
        "listed_subjects": {"train": ["001", "2"]},
        "listed_cameras": {"train": ["2", "3"], "validation": ["3"]},
        "given": {"validation": False},
    }
    manifest = ingest(workplace, "ntu_rgbd", names(workplace.folder, *listed, "S001C001P001R001A001_rgb"), protocols)
    told(manifest)
    odd = row(manifest, "S001C001P001R001A001")
    assert (odd["error"], odd["narration"]) == ("label not in the class list: A001", None)
    one = row(manifest, "S002C003P003R001A120")
    assert (one["labels"], one["subject"], one["camera"]) == (["playing_rock_paper_scissors"], "3", "3")
    assert one["group"] == "S002P003R001A120"
    by_subject, by_camera, by_setup = (parts(name) for name in protocols)
    assert {clip[8:12] for clip in by_subject["", "train"]} == {"P001"}
    assert {clip[8:12] for clip in by_subject["", "test"]} == {"P003"}
    assert {name: {clip[4:8] for clip in found} for (_, name), found in by_camera.items()} == {
        **{"train": {"C002"}, "validation": {"C003"}, "test": {"C001"}},
    }
    assert {clip[:4] for clip in by_setup["", "train"]} == {"S002"}


def test_a_list_of_subjects_that_are_not_there(workplace):
    block = {
        "adapter": "ntu_rgbd",
        "licensed": False,
        "protocols": {"listed_subjects": {"train": ["7"]}},
        "accept_leaks": [],
    }
    listed = names(workplace.folder, "S001C001P001R001A050_rgb")
    assert "no clip is of a subject that trains" in workplace.run(
        "ingest", "two", listed, values={"ingest": {"two": block}}
    )
    block["protocols"]["listed_subjects"]["validation"] = ["8"]
    assert "validation names what does not train: 8" in workplace.run(
        "ingest", "two", listed, values={"ingest": {"two": block}}
    )


def test_air_act2act_keeps_a_subject_on_one_side(workplace):
    listed = [f"C{c:03}P{p:03}A{a:03}S001.avi" for c in (1, 2, 3) for p in range(1, 6) for a in (1, 5, 10)]
    shares = {"unseen_subjects": {"test": 0.2, "validation": 0, "seed": 0}}
    manifest = ingest(workplace, "air_act2act", names(workplace.folder, *listed), shares)
    told(manifest)
    assert set(manifest["labels"].explode()) == {"welcoming_with_a_bow", "handshake", "seeing_off_with_a_bow"}
    found = parts("unseen_subjects")
    sides = [{clip[4:8] for clip in found["", part]} for part in ("train", "test")]
    assert [len(side) for side in sides] == [4, 1]
    assert not sides[0] & sides[1]


def test_jpl_reads_its_list_and_names_what_is_wrong_in_it(workplace):
    rows = "".join(f"{number}_{take}.avi,{label}\n" for number in (1, 2) for take, label in enumerate(["pet", "throw"]))
    folder = small.write(workplace.folder / "lists/jpl_interaction_labels.csv", "file_name,label\n" + rows).parent
    manifest = ingest(
        workplace, "jpl_interaction", str(folder), {"random": {"folds": 2, "seed": 0, "validation": False}}
    )
    told(manifest)
    assert dict(zip(manifest["clip_id"], manifest["labels"].explode(), strict=True)) == {
        **{"1_0": "petting", "2_0": "petting", "1_1": "throwing_at_somebody", "2_1": "throwing_at_somebody"},
    }
    assert {part for _, part in parts("random")} == {"train", "test"}
    small.write(folder / "jpl_interaction_labels.csv", "file_name,label\n1_0.avi,3\n")
    with pytest.raises(InputError, match=r"jpl_interaction_labels.csv, row 2, key 'label': no such label: '3'"):
        jpl_interaction.read(folder)


def test_shakefive2_takes_the_most_frequent_act_that_is_no_state(workplace):
    clips = {
        "0001": [["stand", "approach"], ["hand_shake", "hand_shake"], ["hug", "stand"], ["leave", "leave"]],
        "0002": [["approach", "approach"], ["fist_bump", "stand"]],
        "0003": [["stand", "leave"]],
        "0004": [["high_five", "high_five"]],
        "0005": [["dance", "dance"]],
    }
    folder = small.shakefive2(workplace.folder / "lists", clips)
    small.write(folder / "0006.xml", "<video><frames>")
    segments = {one.clip_id: one for one in shakefive2.read(folder).segments}
    assert {name: one.label for name, one in segments.items()} == {
        **{"0001": "handshake", "0002": "fist_bumping", "0003": "", "0004": "high_fiving", "0005": "", "0006": ""},
    }
    assert "nobody does anything but approach, leave, stand" in segments["0003"].error
    assert "'dance' is not in the taxonomy" in segments["0005"].error
    assert "is no XML" in segments["0006"].error
    with pytest.raises(InputError, match="no XML file of a clip"):
        shakefive2.read(workplace.folder / "none")


def test_a_clip_that_its_list_breaks_is_a_row_with_an_error(workplace):
    good = {f"{number:04}": [[("hug", "high_five")[number % 2]] * 2] for number in range(4)}
    folder = small.shakefive2(workplace.folder / "lists", {**good, "0009": [["stand", "leave"]]})
    manifest = ingest(workplace, "shakefive2", str(folder), {"random": {"folds": 2, "seed": 0, "validation": False}})
    told(manifest)
    assert manifest["error"].null_count() == 4
    bad = row(manifest, "0009")
    assert (bad["labels"], bad["narration"]) == ([], None)
    assert "nobody does anything" in bad["error"]


def test_hollywood2_has_several_labels_a_clip_and_its_published_parts(workplace):
    clips = {
        "train": {"actioncliptrain00001": ["HugPerson", "Kiss"], "actioncliptrain00002": ["DriveCar"]},
        "test": {"actioncliptest00001": [], "actioncliptest00002": ["StandUp"]},
        "autotrain": {"actionclipautotrain00001": ["Run"]},
    }
    folder = small.hollywood2(workplace.folder / "ClipSets", clips)
    manifest = ingest(workplace, "hollywood2", str(folder), {"given": {"validation": False}}, labels="multi")
    both = row(manifest, "actioncliptrain00001")
    assert both["labels"] == ["hug", "kissing"]
    assert both["narration"] == load().narration(["hug", "kissing"], "actioncliptrain00001")
    none = row(manifest, "actioncliptest00001")
    assert (none["labels"], none["narration"], none["error"]) == ([], None, None)
    assert parts("given") == {
        ("", "train"): {"actioncliptrain00001", "actioncliptrain00002", "actionclipautotrain00001"},
        ("", "test"): {"actioncliptest00001", "actioncliptest00002"},
    }
    assert read_json(RUN.classes)["labels"] == "multi"
    assert "1 clips of part autotrain" in (RUN.metrics / "audit.json").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("actioncliptrain00001 1\n", "clip actioncliptrain00002 is in some lists of part train and not in others"),
        ("actioncliptrain00001 yes\n", "row 1: 'actioncliptrain00001 yes' is not a clip's name and 1 or -1"),
        ("a 1\na 1\n", "row 2: clip a is listed twice"),
    ],
)
def test_a_list_of_hollywood2_that_is_damaged(tmp_path, text, message):
    small.hollywood2(tmp_path, {"train": {"actioncliptrain00001": ["Run"], "actioncliptrain00002": []}, "test": {}})
    small.write(tmp_path / "Kiss_train.txt", text)
    with pytest.raises(InputError, match=message):
        hollywood2.read(tmp_path)


def test_sports_hhi_is_an_ordered_pair_at_a_key_frame(workplace):
    rows = {
        "train": [f"v_1_c001,31,{BOX},1,3,5", f"v_1_c001,31,{BOX},2,3,5", f"v_1_c001,31,{BOX},3,5,3"],
        "val": [f"v_2_c001,1,{BOX},3,0,1"],
    }
    folder = small.sports_hhi(workplace.folder / "lists", rows)
    with pytest.raises(InputError, match="the labels of sports_hhi are open"):
        sports_hhi.read(folder)
    small.taxonomy(folder, "sports_hhi")
    manifest = ingest(workplace, "sports_hhi", str(folder), {"given": {"validation": False}}, labels="multi")
    one = row(manifest, "v_1_c001_000031_3_5")
    assert one["labels"] == ["marking_an_opponent", "push"]
    assert (one["start"], one["end"]) == (0.7, 1.7)  # frame 31 is at 1.2 s
    assert row(manifest, "v_2_c001_000001_0_1")["start"] == 0
    assert parts("given")["", "test"] == {"v_2_c001_000001_0_1"}
    assert len(manifest) == 3


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (f"v,1,{BOX},1,3", "row 1, key 'row': has 12 cells, expected 13"),
        (f"v,1,{BOX},9,3,5", "row 1, key 'label': no label 9"),
        (f"v,x,{BOX},1,3,5", "row 1, key 'frame': 'x' is no whole number"),
        (f"v,1,{BOX},1,3,3", "row 1, key 'video': needs a video and two different people"),
        ("v,1,0.2,0.1,0.1,0.4,0.3,0.1,0.4,0.4,1,3,5", "row 1, key 'boxes': .* is no box"),
    ],
)
def test_a_row_of_sports_hhi_that_is_damaged(tmp_path, line, message):
    small.sports_hhi(tmp_path, {"train": [line], "val": []})
    small.taxonomy(tmp_path, "sports_hhi")
    with pytest.raises(InputError, match=message):
        sports_hhi.read(tmp_path)


def test_kinetics_takes_the_labels_that_its_user_names(workplace):
    header = "label,youtube_id,time_start,time_end,split,is_cc\n"
    small.write(
        workplace.folder / "lists/train.csv",
        header + "made up hands,-0IErS_cisg,17,27,train,0\nmade up dance,abc,0,10,train,0\nsnoring,abd,0,10,train,0\n",
    )
    folder = small.write(workplace.folder / "lists/val.csv", header + "made up dance,abe,1,11,val,0\n").parent
    with pytest.raises(InputError, match="the labels of kinetics_interactions are open"):
        kinetics_interactions.read(folder)
    small.taxonomy(folder, "kinetics_interactions")
    manifest = ingest(workplace, "kinetics_interactions", str(folder), {"given": {"validation": False}})
    assert row(manifest, "-0IErS_cisg_000017_000027")["labels"] == ["handshake"]
    assert row(manifest, "abe_000001_000011")["narration"] in small.SENTENCES["dancing_together"]
    assert parts("given") == {
        ("", "train"): {"-0IErS_cisg_000017_000027", "abc_000000_000010"},
        ("", "test"): {"abe_000001_000011"},
    }
    assert "1 rows of other labels are left out" in (RUN.metrics / "audit.json").read_text()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("made up hands,a,9,9,train,0", "row 2, key 'time_end': 9 is not after start 9"),
        ("made up hands,a,x,9,train,0", "row 2, key 'time_start': 'x' is no whole number"),
        ("made up hands,a,1,9,holdout,0", "row 2, key 'split': 'holdout' is no split"),
        ("snoring,a,1,9,train,0", "none of 1 rows has a label that is wanted"),
    ],
)
def test_a_row_of_kinetics_that_is_damaged(tmp_path, line, message):
    small.write(tmp_path / "a.csv", f"label,youtube_id,time_start,time_end,split,is_cc\n{line}\n")
    small.taxonomy(tmp_path, "kinetics_interactions")
    with pytest.raises(InputError, match=message):
        kinetics_interactions.read(tmp_path)


def test_classes_may_be_left_out_of_training_and_tested_among_all_others(workplace):
    listed = [f"{clip}_{sequence}_{clip % 6}" for sequence in (1, 2, 3, 4) for clip in range(6)]
    subset = {"of": "unseen_recordings", "kept": False, "classes": ["punch", "push"], "parts": ["train", "validation"]}
    only = {"of": "unseen_recordings", "classes": ["punch", "push"]}
    shares = {"unseen_recordings": {"test": 0.25, "validation": 0.25, "seed": 0}}
    manifest = ingest(
        *(workplace, "ut_interaction", names(workplace.folder, *listed), shares),
        subsets={"open": subset, "unseen": only},
    )
    labels = dict(zip(manifest["clip_id"], manifest["labels"].list.first(), strict=True))
    found = {part: sorted({labels[clip] for clip in clips}) for (_, part), clips in parts("open").items()}
    left = ["handshake", "hug", "kick", "point"]
    assert found == {"train": left, "validation": left, "test": [*left, "punch", "push"]}
    assert {labels[clip] for clip in parts("unseen")["", "test"]} == {"punch", "push"}
    block = {"adapter": "ut_interaction", "licensed": False, "protocols": shares, "accept_leaks": []}
    block["subsets"] = {"odd": {"of": "unseen_recordings", "tests": "seen_subjects", "parts": ["test"]}}
    said = workplace.run("ingest", "two", names(workplace.folder, *listed), values={"ingest": {"two": block}})
    assert "kept and parts belong to classes" in said
