"""The facts of Toyota Smarthome's names and lists, as the files tell them."""

from collections import Counter

import pytest

from stages.ingest.adapters import load
from stages.ingest.manifest_rows import rows_of
from stages.ingest.params import IngestParams
from stages.ingest.sources import read_source
from stages.ingest.split import split

VLMS, LISTS = "data/published/vlms_har_rhms", "data/published/smarthome_splits"


@pytest.fixture(scope="module")
def splits(remote_file):
    params = IngestParams(
        adapter="smarthome",
        licensed=True,
        protocols={
            "cs": {"validation": True},
            "cv1": {"validation": True},
            "cv2": {"validation": True},
            "phase1": {"clips": 10, "seed": 0, "rest": "none"},
        },
        published={
            "cs_published": {"test": str(remote_file(f"{VLMS}/cs_split.json")), "of": "cs"},
            "cv1_published": {"test": str(remote_file(f"{VLMS}/cv1_split.json")), "of": "cv1"},
        },
        official={"cs": {part: str(remote_file(f"{LISTS}/{part}_CS.txt")) for part in ("train", "validation", "test")}},
        accept_leaks=["cs_published"],
    )
    adapter = load("smarthome")
    return split(rows_of(read_source(remote_file(f"{VLMS}/captions.json")).entries, adapter), [], params, adapter)


def sizes(parts):
    return dict(Counter(part.part for part in parts))


def test_sizes_of_every_protocol(splits):
    assert {name: sizes(parts) for name, parts in splits.parts.items()} == {
        "cs": {"train": 8829, "validation": 1853, "test": 5433},
        "cv1": {"train": 1877, "validation": 3539, "test": 1901},
        "cv2": {"train": 7806, "validation": 3539, "test": 1901},
        "phase1": {"test": 310},
        "cs_published": {"train": 6714, "test": 9401},
        "cv1_published": {"train": 1877, "validation": 3539, "test": 1901},
    }


def test_cross_view_is_over_19_classes(splits):
    for name in ("cv1", "cv2"):
        assert len({part.clip_id.partition("_p")[0] for part in splits.parts[name]}) == 19


def test_the_official_cs_lists_agree_clip_by_clip_but_for_an_activity_that_nobody_else_has(splits):
    found = {item.kind: item for item in splits.findings if item.protocol == "cs"}
    assert found["agrees_with_official"].clips == 16115
    assert "differs_from_official" not in found
    unknown = [item for item in splits.findings if (item.protocol, item.kind) == ("cs", "unknown_clips")]
    assert sorted(item.clips for item in unknown) == [1, 2, 11]
    assert {label for item in unknown for label in item.classes} == {"Pour_Fromcup"}
    assert len({name for item in unknown for name in item.examples}) == 14


def test_the_papers_cs_list_tests_four_train_subjects(splits):
    leak = splits.findings[0]
    assert (leak.protocol, leak.kind, leak.severity, leak.accepted) == (
        "cs_published",
        "train_clips_in_test_list",
        "leak",
        True,
    )
    assert leak.subjects == {"15": 1134, "17": 981, "19": 854, "25": 999}
    assert leak.clips == 3968
    assert not [item for item in splits.findings[1:] if item.severity in ("leak", "error")]


def test_the_papers_cv1_list_is_our_cv1_test_part(splits):
    assert [item.clips for item in splits.findings if item.kind == "list_agrees"] == [1901]
