"""Comparing methods whose answers are sets: macro-F1 takes the place of mean class accuracy."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stages.base.schema import SCORES
from stages.base.tables import read_table
from stages.stats import label_sets as sets
from tests.score import table as world
from tests.score.small import RUN, compare, score
from tests.score.table import CLASSES, METHODS


@pytest.fixture
def compared(table: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    score(monkeypatch, *METHODS)
    compare(monkeypatch, *METHODS)
    return table


def read(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema_length=None)


def test_summary_has_macro_numbers_instead_of_mca(compared: Path) -> None:
    summary = read(RUN.metrics / "summary.csv")
    assert summary["model"].to_list() == list(METHODS)
    assert summary["mca"].null_count() == 3
    for row in summary.iter_rows(named=True):
        scores = {one["aggregate"]: one for one in read_table(RUN.scores(row["model"]), SCORES).iter_rows(named=True)}
        for name in ("macro_f1", "macro_precision", "macro_recall", "macro_ap", "accuracy", "violations"):
            assert row[name] == pytest.approx(scores[name]["value"], abs=1e-6)
        for name in ("macro_f1", "macro_ap"):
            assert row[f"{name}_low"] == pytest.approx(scores[name]["low"], abs=1e-6)
            assert row[f"{name}_high"] == pytest.approx(scores[name]["high"], abs=1e-6)
        assert (row["clips"], row["classes"], row["subjects"]) == (99, 3, 5)


def test_classes_have_four_numbers_each(compared: Path) -> None:
    rows = read(RUN.data / "per_class.csv")
    assert len(rows) == 3 * 3 * 4
    assert set(rows["number"]) == {"f1", "precision", "recall", "ap"}
    of = rows.filter((pl.col("method") == "good") & (pl.col("class") == "suction"))
    assert of["clips"].n_unique() == 1
    assert (of["low"] <= of["value"]).all()


def test_differences_are_paired_in_macro_f1_and_corrected(compared: Path) -> None:
    rows = read(RUN.metrics / "differences.csv")
    assert rows.select("model", "other").rows() == [
        ("good", "null_shuffled"),
        ("good", "poor"),
        ("null_shuffled", "poor"),
    ]
    assert set(rows["aggregate"]) == {"macro_f1"}
    value = dict(read(RUN.metrics / "summary.csv").select("model", "macro_f1").rows())
    for row in rows.iter_rows(named=True):
        assert row["difference"] == pytest.approx(value[row["model"]] - value[row["other"]], abs=2e-6)
        assert row["low"] <= row["difference"] <= row["high"]
        assert row["p_holm"] >= row["p"]
    kept = np.array([row["group"] not in ("r0", "r1", "r2") and "error" not in row for row in world.windows()])
    actual = np.array([[name in row["labels"] for name in CLASSES] for row in world.windows()])[kept]
    both = [sets.f1(actual, world.scores(method)[kept] > 0.5).mean(np.ones(3, bool)) for method in ("good", "poor")]
    groups = [row["group"] for row, keep in zip(world.windows(), kept, strict=True) if keep]
    expected = sets.compared(*both, groups, 0.95)
    found = rows.row(1, named=True)
    assert [found[name] for name in ("low", "high", "p")] == pytest.approx(
        [expected.low, expected.high, expected.p], abs=1e-5
    )


def test_draws_nulls_and_what_is_left_out(compared: Path) -> None:
    repeats = read(RUN.metrics / "repeats.csv").row(0, named=True)
    assert (repeats["model"], repeats["mca"], repeats["repeats"]) == ("null_shuffled", None, 3)
    assert repeats["macro_f1_sd"] > 0
    beaten = read(RUN.metrics / "null_beats.csv")
    assert "good" not in beaten["model"].to_list()
    left_out = read(RUN.metrics / "left_out.csv")
    assert left_out.select("model", "reason", "clips").rows() == [
        (method, "clip is unusable: labels break a rule", 1) for method in METHODS
    ]
    for name in ("confusion", "sweep", "validity"):
        assert read(RUN.data / f"{name}.csv").is_empty()
