from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base.errors import InputError
from stages.ingest import protocols
from stages.ingest.manifest_rows import Row
from stages.ingest.params import Phase1, Random, Shares, Standard, Units
from stages.ingest.protocols import PROTOCOLS

# How long an example takes depends on the machine, and the first one pays for imports.
unhurried = settings(deadline=None, max_examples=50)

SUBJECTS = [2, 3, 4, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 25]


def row(number, label, subject, camera, recording):
    group = f"p{subject:02d}_r{recording:02d}"
    listed = "train" if number % 3 else "test"
    return Row(
        f"{label}_{number:03d}",
        labels=(label,),
        subject=f"{subject:02d}",
        camera=f"{camera:02d}",
        group=group,
        part=listed,
    )


clip = st.tuples(st.sampled_from("ABCD"), st.sampled_from(SUBJECTS), st.integers(1, 7), st.integers(0, 2))
clips = st.lists(clip, min_size=25, max_size=60).map(lambda drawn: [row(n, *one) for n, one in enumerate(drawn)])
OPTIONS = {
    "cs": Standard(validation=True),
    "cv1": Standard(validation=True),
    "cv2": Standard(validation=False),
    "phase1": Phase1(clips=3, seed=1, rest="train"),
    "leave_one_subject_out": Standard(validation=False),
    "leave_one_group_out": Standard(validation=False),
    "unseen_recordings": Shares(test=0.3, validation=0.2, seed=0),
    "unseen_subjects": Shares(test=0.3, validation=0, seed=0),
    "listed_subjects": Units(train=["2", "3", "004", "9", "10"], validation=["10"]),
    "listed_cameras": Units(train=["1", "02", "5"]),
    "given": Standard(validation=False),
    "random": Random(folds=2, seed=0, validation=False),
}


def split(name, rows, options=None):
    try:
        return sorted(PROTOCOLS[name].split(rows, options or OPTIONS[name]))
    except InputError:  # too few subjects, groups or clips in this draw
        return []


def test_every_protocol_is_tried():
    assert set(OPTIONS) == set(PROTOCOLS)


@pytest.mark.parametrize("name", PROTOCOLS)
@unhurried
@given(rows=clips, order=st.randoms(use_true_random=False))
def test_a_clip_has_one_part_a_fold_whatever_the_order_of_the_rows(name, rows, order):
    parts = split(name, rows)
    assert len({(part.fold, part.clip_id) for part in parts}) == len(parts)
    assert {part.clip_id for part in parts} <= {row.clip_id for row in rows}
    assert {part.part for part in parts} <= {"train", "validation", "test"}
    shuffled = rows.copy()
    order.shuffle(shuffled)
    assert split(name, shuffled) == parts


@pytest.mark.parametrize("name", PROTOCOLS)
@unhurried
@given(rows=clips)
def test_what_a_protocol_promises_to_keep_apart_is_apart(name, rows):
    by_id = {row.clip_id: row for row in rows}
    for column in PROTOCOLS[name].apart:
        sides = {}
        for part in split(name, rows):
            sides.setdefault((part.fold, getattr(by_id[part.clip_id], column)), set()).add(part.part)
        assert all(len(parts) == 1 for parts in sides.values())


@unhurried
@given(clips)
def test_cs_follows_the_subjects(rows):
    parts = {part.clip_id: part.part for part in split("cs", rows)}
    for one in rows:
        subject = int(one.subject)
        expected = "validation" if subject in {19, 25} else "train" if subject in protocols.CS_TRAIN else "test"
        assert parts[one.clip_id] == expected


@unhurried
@given(clips)
def test_cross_view_takes_the_classes_that_cameras_1_and_2_both_see(rows):
    seen = {camera: {one.labels for one in rows if one.camera == camera} for camera in ("01", "02")}
    for name, train in (("cv1", {"01"}), ("cv2", {"01", "03", "04", "06", "07"})):
        parts = {part.clip_id: part.part for part in split(name, rows, Standard(validation=True))}
        for one in rows:
            inside = one.labels in seen["01"] & seen["02"]
            camera = "train" if one.camera in train else {"02": "test", "05": "validation"}.get(one.camera)
            assert parts.get(one.clip_id) == (camera if inside else None)


@unhurried
@given(clips, st.integers(0, 5), st.integers(1, 4))
def test_phase1_draws_the_same_number_of_each_class(rows, seed, number):
    parts = split("phase1", rows, Phase1(clips=number, seed=seed, rest="none"))
    have = Counter(one.labels[0] for one in rows)
    assert Counter(part.clip_id[0] for part in parts) == {label: min(number, n) for label, n in have.items()}
    assert {part.part for part in parts} == {"test"}


@unhurried
@given(clips, st.floats(0.05, 0.5), st.floats(0, 0.3), st.integers(0, 5))
def test_unseen_recordings_draw_the_share_asked_for(rows, test, validation, seed):
    parts = split("unseen_recordings", rows, Shares(test=test, validation=validation, seed=seed))
    of = {row.clip_id: row.group for row in rows}
    units = {name: {of[part.clip_id] for part in parts if part.part == name} for name in ("test", "validation")}
    count = len(set(of.values()))
    assert not parts or len(units["test"]) == max(1, round(test * count))
    assert not parts or len(units["validation"]) == (max(1, round(validation * count)) if validation else 0)


def test_phase1_draws_by_seed_and_hardly_changes_when_the_set_grows():
    rows = [row(number, "A", 2, 1, 0) for number in range(200)]
    drawn = {seed: set(split("phase1", rows, Phase1(clips=10, seed=seed, rest="none"))) for seed in (0, 1)}
    assert drawn[0] != drawn[1]
    fewer = set(split("phase1", rows[:-1], Phase1(clips=10, seed=0, rest="none")))
    assert len(fewer ^ drawn[0]) <= 2


@unhurried
@given(clips)
def test_every_subject_is_left_out_once(rows):
    parts = split("leave_one_subject_out", rows, Standard(validation=True))
    by_id = {one.clip_id: one for one in rows}
    if parts:
        assert Counter(part.clip_id for part in parts if part.part == "test") == Counter(one.clip_id for one in rows)
        assert all(by_id[part.clip_id].subject == part.fold for part in parts if part.part == "test")
        for fold in {part.fold for part in parts}:
            held = [by_id[part.clip_id].subject for part in parts if (part.fold, part.part) == (fold, "validation")]
            assert len(set(held)) == 1
            assert set(held) != {fold}


def test_random_keeps_classes_in_proportion():
    rows = [Row(f"{label}/{n}", labels=(label,), md5=f"{label}{n}") for label in "abc" for n in range(20)]
    parts = split("random", rows, Random(folds=5, seed=0, validation=True))
    count = Counter((part.clip_id[0], part.part) for part in parts)
    assert count == {(label, part): n for label in "abc" for part, n in [("test", 4), ("validation", 4), ("train", 12)]}
    assert parts != split("random", rows, Random(folds=5, seed=1, validation=True))


def test_random_keeps_equal_files_together():
    rows = [Row(f"{label}/{n}", labels=(label,), md5=f"{label}{n // 2}") for label in "ab" for n in range(20)]
    parts = {part.clip_id: part.part for part in split("random", rows)}
    assert all(parts[f"{label}/{n}"] == parts[f"{label}/{n + 1}"] for label in "ab" for n in range(0, 20, 2))


@pytest.mark.parametrize("name", ["cs", "cv1", "leave_one_subject_out", "leave_one_group_out"])
def test_a_protocol_that_needs_what_names_do_not_tell_says_so(name):
    with pytest.raises(InputError, match="the names tell no"):
        list(PROTOCOLS[name].split([Row("a", labels=("x",))], OPTIONS[name]))


def test_cs_needs_numbered_subjects():
    with pytest.raises(InputError, match="is no number"):
        list(PROTOCOLS["cs"].split([Row("a", labels=("x",), subject="daria")], OPTIONS["cs"]))


@pytest.mark.parametrize(
    ("name", "options"),
    [("leave_one_subject_out", Standard(validation=True)), ("random", Random(folds=9, seed=0, validation=False))],
)
def test_too_few_to_split(name, options):
    rows = [row(n, "A", subject, 1, 0) for n, subject in enumerate([2, 3])]
    with pytest.raises(InputError, match="too few"):
        list(PROTOCOLS[name].split(rows, options))
