"""Real clips: both people of 30 frames that were labelled by hand, boxes only; skipped without the remote."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from bench.streams import OVERLAP, both_found, hits, labels, overlap, overlaps
from stages.streams.params import FinderParams
from tests.conftest import ROOT


def test_the_labels_are_thirty_frames_of_as_many_clips_with_two_people_each() -> None:
    found = labels()
    assert len(found) == len({one.clip for one in found}) == 30
    for one in found:
        assert all(0 <= left < right and 0 <= top < bottom for left, top, right, bottom in one.boxes)
        assert one.clip[-1] != "3", "pointing is one person"


def test_overlap_and_who_must_be_who() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0
    label = labels()[0]
    rows = [{"track": person, "frame": label.frame, "box": box} for person, box in enumerate(label.boxes, 1)]
    assert overlaps(label, rows) == [1, 1]
    swapped = [{**row, "track": 3 - row["track"]} for row in rows]
    assert max(overlaps(label, swapped)) < OVERLAP, "the right boxes of the wrong people are not found"
    assert overlaps(label, [{**row, "frame": label.frame + 1} for row in rows]) == [0, 0]


def test_both_of_a_rendered_frame_as_labelled_in_any_order_and_among_all() -> None:
    left, right, far = (0, 0, 10, 10), (20, 0, 30, 10), (50, 0, 60, 10)
    assert hits([left, right], [(1, left), (2, right)]) == (True, True, True)
    assert hits([left, right], [(2, left), (1, right)]) == (False, True, True)
    assert hits([left, right], [(1, far), (2, right), (3, left)]) == (False, False, True)
    assert hits([left, right], [(1, left), (2, far)]) == (False, False, False)
    assert hits([left, left], [(1, left)]) == (False, False, False), "one found is not two"


@pytest.mark.slow
def test_both_people_are_found_in_four_of_five_labelled_frames(remote_file: Callable[[str], Path]) -> None:
    clips = remote_file("data/ut_interaction/clips")
    params = TypeAdapter(FinderParams).validate_python(yaml.safe_load((ROOT / "params/models/opencv.yaml").read_text()))
    found = [min(values) >= OVERLAP for _, values in both_found(clips, params)]
    assert sum(found) >= 0.8 * 30, f"{sum(found)} of {len(found)}"
