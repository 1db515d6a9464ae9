from pathlib import Path

import polars as pl
import pytest

from stages.base import tables
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import read_table, write_table
from stages.score.split_parts import SplitParts


def test_the_classes_of_a_part_are_those_of_its_usable_clips_in_all_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_GROUP", 2)  # a part is in several pieces
    clips = [{"clip_id": f"{label}{n}", "labels": [label]} for label in "abc" for n in range(2)]
    clips += [{"clip_id": "broken", "labels": ["d"], "error": "no frame"}, {"clip_id": "two", "labels": ["b", "e"]}]
    write_table(tmp_path / "manifest", clips, MANIFEST)
    rows = [("loso", "1", "a0", "test"), ("loso", "1", "b0", "train"), ("loso", "1", "broken", "train")]
    rows += [("loso", "2", "a0", "train"), ("loso", "2", "two", "test"), ("loso", "2", "stranger", "test")]
    rows += [("cs", "", "c1", "test"), ("cs", "", "c0", "validation")]
    write_table(tmp_path / "splits", [dict(zip(SPLITS.names, row, strict=True)) for row in rows], SPLITS)
    parts = SplitParts(tmp_path / "splits", read_table(tmp_path / "manifest", MANIFEST))
    assert parts.classes("loso", "train") == {"a", "b"}
    assert parts.classes("loso", "test") == {"a", "b", "e"}
    assert parts.classes("cs", "test") == {"c"}
    assert parts.classes("cs", "train") == parts.classes("none", "test") == frozenset()
    assert parts.clips("cs", "validation").rows() == [("cs", "", "c0", "validation")]
    assert parts.clips("loso", "test").select(pl.len()).item() == 3
