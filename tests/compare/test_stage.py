import csv
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from stages.base import tables
from stages.base.errors import InputError
from stages.base.schema import MANIFEST, MEASURES, SCORES, SPLITS, VERDICTS
from stages.base.tables import read_table, write_table
from stages.compare.auc import auc
from stages.score import make
from tests.score import small as world
from tests.score.small import METHODS, RUN, compare, score

TABLES = [RUN.metrics / f"{name}.csv" for name in ("summary", "differences", "null_beats", "repeats", "left_out")]
TABLES += [RUN.data / f"{name}.csv" for name in ("per_class", "confusion", "confusion_headline", "sweep", "validity")]


@pytest.fixture
def compared(small: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    score(monkeypatch, *METHODS)
    compare(monkeypatch, *METHODS)
    return small


def test_the_stage_scores_and_compares_at_once(compared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.read_bytes() for path in TABLES}
    for path in before:
        path.unlink()
    world.run(monkeypatch, "score", "data/none")
    assert {path: path.read_bytes() for path in TABLES} == before


def test_tables_in_pieces_of_a_few_rows_give_the_same_bytes(compared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outputs = [*TABLES, *(RUN.scores(method) for method in METHODS), *(RUN.verdicts(method) for method in METHODS)]
    before = {path: path.read_bytes() for path in outputs}
    inputs = {RUN.manifest: MANIFEST, RUN.splits: SPLITS}
    inputs |= {RUN.measures(method) / "measures.parquet": MEASURES for method in METHODS}
    monkeypatch.setattr(make, "_AT_ONCE", 5)
    with monkeypatch.context() as few:
        few.setattr(tables, "_GROUP", 7)
        for path, schema in inputs.items():
            write_table(path, read_table(path, schema), schema)
        world.run(few, "score", "data/none")  # which compares verdicts in pieces, too
        assert {path: path.read_bytes() for path in TABLES} == {path: before[path] for path in TABLES}
    world.run(monkeypatch, "score", "data/none")
    assert {path: path.read_bytes() for path in outputs} == before


def table(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema_length=None)


def test_summary_has_the_agreed_columns_and_what_score_wrote(compared: Path) -> None:
    lines = list(csv.reader((RUN.metrics / "summary.csv").open()))
    assert ",".join(lines[0]) == "model,protocol,metric,mca,mca_low,mca_high,macro_f1,accuracy,clips,classes,subjects"
    assert lines[1:] == sorted(lines[1:])
    rows = {tuple(line[:3]): line for line in lines[1:]}
    scores = read_table(RUN.scores("first"), SCORES).filter(pl.col("aggregate") == "mca")
    for row in scores.iter_rows(named=True):
        line = rows["first", row["protocol"], row["metric"]]
        assert line[3:6] == [str(round(row[name], 6)) for name in ("value", "low", "high")]
        assert (line[6] == "") == (row["metric"] != "named")


def test_a_null_model_that_wins_is_flagged(compared: Path) -> None:
    summary, beaten = table(RUN.metrics / "summary.csv"), table(RUN.metrics / "null_beats.csv")
    null = {
        row[:2]: row[2]
        for row in summary.filter(pl.col("model") == "null_shuffled").select("protocol", "metric", "mca").rows()
    }
    expected = {
        (row["model"], row["protocol"], row["metric"])
        for row in summary.iter_rows(named=True)
        if row["model"] != "null_shuffled" and null[row["protocol"], row["metric"]] >= row["mca"]
    }
    assert set(beaten.select("model", "protocol", "metric").rows()) == expected


def test_sweep_agrees_with_score_at_its_threshold(compared: Path) -> None:
    sweep, summary = table(RUN.data / "sweep.csv"), table(RUN.metrics / "summary.csv")
    at = sweep.filter(pl.col("threshold") == 0.5).rename({"method": "model", "mca": "swept"})
    both = at.join(summary, on=["model", "protocol", "metric"])
    assert len(both) == 3 * 3
    assert np.allclose(both["swept"], both["mca"], atol=2e-6)
    falls = sweep.group_by("method", "protocol", maintain_order=True).agg((pl.col("mca").diff() <= 0).all())
    assert falls["mca"].all()


def test_auc_is_scikit_learns_over_true_and_exchanged_pairs(compared: Path) -> None:
    def of(method: str) -> np.ndarray:
        rows = pl.DataFrame(world.measures(method)).filter(pl.col("metric") == "similarity")
        kept = ~pl.col("clip_id").str.contains("_s1_") & (pl.col("clip_id") != "walk_s4_5")
        return rows.filter(kept)["value"].to_numpy()

    true, false = of("first"), of("null_shuffled")
    expected = roc_auc_score([1] * len(true) + [0] * len(false), np.concatenate([true, false]))
    found = table(RUN.data / "validity.csv").row(
        by_predicate=(pl.col("method") == "first") & (pl.col("protocol") == "cs") & (pl.col("metric") == "similarity"),
        named=True,
    )
    assert found["auc"] == pytest.approx(expected, abs=1e-6)
    assert found["false_pairs"] == 3 * found["true_pairs"]


@pytest.mark.parametrize(("true", "false", "levels"), [(1, 1, 2), (50, 7, 3), (300, 2400, 5), (200, 900, 10**6)])
def test_auc_is_scikit_learns_whatever_the_ties(true: int, false: int, levels: int) -> None:
    values = np.random.default_rng(levels).integers(levels, size=true + false) / levels
    expected = roc_auc_score(np.arange(true + false) < true, values)
    assert auc(values[:true], values[true:]) == pytest.approx(expected, rel=1e-12)


def test_confusion_counts_every_scored_clip_once(compared: Path) -> None:
    counts, headline = table(RUN.data / "confusion.csv"), table(RUN.data / "confusion_headline.csv")
    assert headline.columns == ["actual", "predicted"]
    chosen = counts.filter((pl.col("method") == "first") & (pl.col("protocol") == "cs"))
    assert chosen["clips"].sum() == len(headline) == 53


def test_what_is_left_out_is_counted_with_its_reason(compared: Path) -> None:
    rows = table(RUN.metrics / "left_out.csv").filter((pl.col("model") == "first") & (pl.col("protocol") == "loso"))
    counts = {(row["metric"], row["reason"]): row["clips"] for row in rows.iter_rows(named=True)}
    assert counts == {
        ("judge", "clip is unusable: no video stream"): 1,
        ("judge", "no answer was measured"): 12,
        ("judge", "unparsed"): 12,
        ("named", "clip is unusable: no video stream"): 1,
        ("similarity", "clip is unusable: no video stream"): 1,
    }


def test_a_metric_whose_every_answer_failed_is_said(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = world.measures("first")
    failed = [{**row, "value": None, "detail": "unparsed"} if row["metric"] == "judge" else row for row in rows]
    world.write_measures("first", failed)
    score(monkeypatch, *METHODS)
    compare(monkeypatch, *METHODS)
    summary, omitted = table(RUN.metrics / "summary.csv"), table(RUN.metrics / "left_out.csv")
    judged = (pl.col("model") == "first") & (pl.col("metric") == "judge")
    assert len(summary.filter(judged)) == 0
    assert omitted.filter(judged & (pl.col("protocol") == "cs") & (pl.col("reason") == "unparsed"))["clips"].sum() > 0


def test_repeats_show_their_spread(compared: Path) -> None:
    rows = table(RUN.metrics / "repeats.csv")
    assert set(rows["model"]) == {"null_shuffled"}
    assert set(rows["repeats"]) == {3}
    assert (rows["mca_sd"] > 0).any()


def test_a_method_without_scores_is_an_error_that_names_the_file(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score(monkeypatch, "first")
    with pytest.raises(InputError, match=r"scores/null_shuffled\.parquet: no such file"):
        compare(monkeypatch, *METHODS)


def test_files_of_methods_not_listed_are_ignored(compared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compare(monkeypatch, "first", "null_shuffled")
    assert "second" not in (RUN.metrics / "summary.csv").read_text()


def test_rows_and_methods_in_another_order_give_the_same_bytes(compared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [path.read_bytes() for path in TABLES]
    for method in METHODS:
        world.shuffle(RUN.measures(method) / "measures.parquet", MEASURES, 4)
    score(monkeypatch, *METHODS[::-1])
    for method in METHODS:
        world.shuffle(RUN.scores(method), SCORES, 5)
        world.shuffle(RUN.verdicts(method), VERDICTS, 6)
    world.shuffle(RUN.manifest, MANIFEST, 7)
    world.shuffle(RUN.splits, SPLITS, 8)
    compare(monkeypatch, *METHODS[::-1])
    assert [path.read_bytes() for path in TABLES] == before
