"""What a cell keeps of each clip: a class from which right follows, or the share of right answers, or sets."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages.base.schema import VERDICTS
from stages.base.tables import read_table, write_table
from stages.seeds.table import CLIPS, read_rows, said, write_clips
from tests.score import table as windows
from tests.score.small import METHODS, RUN, measures, score, write_measures


def of(method: str, metric: str) -> dict[str, Any]:
    rows = said(Path(), RUN.name, method).filter(metric=metric)
    return {clip: json.loads(text) for clip, text in rows.select("clip_id", "said").iter_rows()}


def verdicts(method: str, metric: str) -> list[dict[str, Any]]:
    return read_table(RUN.verdicts(method), VERDICTS).filter(metric=metric).to_dicts()


def test_a_class_is_kept_and_right_follows_from_it(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row | {"label": None, "value": 0.0} if row["clip_id"] == "cook_s2_0" else row for row in measures("first")]
    write_measures("first", rows)
    score(monkeypatch, *METHODS)
    kept = of("first", "named")
    for row in verdicts("first", "named"):
        answer, label = kept[row["clip_id"]], row["clip_id"].split("_")[0]
        assert answer == (row["right"] if row["label"] is None or row["right"] is None else row["label"])
        assert (float(answer == label) if isinstance(answer, str) else answer) == row["right"]
    assert (kept["cook_s2_0"], kept["walk_s4_5"]) == (0.0, None)
    # Metrics that name no class, and repeated draws, of which a verdict has the first one's class.
    for method, metric in (("first", "similarity"), ("null_shuffled", "named")):
        assert list(of(method, metric).values()) == [row["right"] for row in verdicts(method, metric)]


def test_shares_are_kept_where_right_does_not_follow_from_the_class(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    score(monkeypatch, *METHODS)
    rows = read_table(RUN.verdicts("first"), VERDICTS)
    odd = (pl.col("metric") == "named") & (pl.col("clip_id") == "cook_s2_0")
    turned = rows.with_columns(right=pl.when(odd).then(1 - pl.col("right")).otherwise("right"))
    write_table(RUN.verdicts("first"), turned, VERDICTS)
    assert list(of("first", "named").values()) == [row["right"] for row in verdicts("first", "named")]


def test_sets_are_kept_and_a_table_reads_as_it_was_written(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score(monkeypatch, *windows.METHODS)
    assert list(of("good", "labels").values()) == [row["labels"] for row in verdicts("good", "labels")]
    rows = said(Path(), RUN.name, "good")
    write_clips(Path("clips.csv"), rows)
    assert read_rows(Path("clips.csv"), CLIPS).equals(rows.sort(list(CLIPS)[:3]))
