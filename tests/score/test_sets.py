"""Scoring sets of labels: values, intervals, thresholds, rules, and what is left out."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, precision_score, recall_score

from stages.base.errors import InputError
from stages.base.schema import MANIFEST, MEASURES, SCORES, SPLITS, VERDICTS
from stages.base.tables import read_table, write_table
from stages.score.tuning import best
from tests.class_list import write_class_list
from tests.score import table as world
from tests.score.small import RUN, score, shuffle, write, write_measures
from tests.score.table import CLASSES


def scores(method: str = "good") -> dict[str, dict[str, Any]]:
    frame = read_table(RUN.scores(method), SCORES)
    assert set(frame["metric"]) == {"labels"}
    return {row["aggregate"]: row for row in frame.iter_rows(named=True)}


def in_test() -> np.ndarray:
    return np.array([row["group"] not in ("r0", "r1", "r2") and "error" not in row for row in world.windows()])


def actual() -> np.ndarray:
    return np.array([[name in row["labels"] for name in CLASSES] for row in world.windows()])


def sets(thresholds: dict[str, Any], rules: Any = world.RULES, **scored: Any) -> dict[str, Any]:
    changed = copy.deepcopy(world.PARAMS)
    changed["score"]["small"] |= {"sets": {"thresholds": thresholds, "rules": rules}, **scored}
    return changed


def test_numbers_are_scikit_learns_over_the_test_part(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score(monkeypatch, "good")
    y, said = actual()[in_test()], world.scores("good")[in_test()]
    found, kept = scores(), {"average": "macro", "zero_division": 0}
    for name, theirs in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
        assert found[f"macro_{name}"]["value"] == pytest.approx(theirs(y, said > 0.5, **kept))
        each = theirs(y, said > 0.5, average=None)
        assert [found[f"{name}:{label}"]["value"] for label in CLASSES] == pytest.approx(each.tolist())
    assert found["macro_ap"]["value"] == pytest.approx(average_precision_score(y, said))
    assert found["accuracy"]["value"] == pytest.approx(accuracy_score(y, said > 0.5))
    assert (found["macro_f1"]["clips"], found["macro_f1"]["subjects"], found["macro_f1"]["classes"]) == (99, 5, 3)
    assert found["f1:suction"]["clips"] == y[:, 1].sum()
    for name, row in found.items():
        if name == "invented_per_clip":  # it may exceed 1, and has no interval
            continue
        assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1
    assert not any(name.startswith(("mca", "class:", "threshold:")) for name in found)
    assert set(json.loads(RUN.headlines("good").read_text())) == {"new.labels.macro_f1", "new.labels.f1:suction"}


def test_verdicts_have_the_set_of_each_draw(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score(monkeypatch, "null_shuffled")
    verdicts = read_table(RUN.verdicts("null_shuffled"), VERDICTS)
    assert len(verdicts) == 100
    rows = {row["clip_id"]: row for row in verdicts.iter_rows(named=True)}
    for place, window in enumerate(world.windows()):
        row = rows.get(window["clip_id"])
        if row is None:
            continue
        if "error" in window:
            assert (row["right"], row["labels"], row["repeats"]) == (None, None, 0)
            assert row["left_out"] == "clip is unusable: labels break a rule"
            continue
        named = [
            [
                name
                for name, value in zip(CLASSES, world.scores("null_shuffled", repeat)[place], strict=True)
                if value > 0.5
            ]
            for repeat in range(3)
        ]
        assert row["labels"] == named
        assert row["right"] == pytest.approx(np.mean([draw == window["labels"] for draw in named]))
    found = scores("null_shuffled")
    of_draws = [
        f1_score(actual()[in_test()], world.scores("null_shuffled", repeat)[in_test()] > 0.5, average="macro")
        for repeat in range(3)
    ]
    assert found["macro_f1"]["value"] == pytest.approx(np.mean(of_draws))
    assert found["macro_f1_sd"]["value"] == pytest.approx(np.std(of_draws, ddof=1))


def test_thresholds_are_tuned_on_the_validation_part_and_on_nothing_else(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(table / "params.yaml", sets({"default": "own", "good": "tuned"}))
    score(monkeypatch, "good")
    tuned = scores()
    validation = np.array([row["group"] == "r0" for row in world.windows()])
    y, said = actual(), world.scores("good")
    limits = [best(y[validation, c], said[validation, c]) for c in range(3)]
    assert [tuned[f"threshold:{name}"]["value"] for name in CLASSES] == pytest.approx(limits)
    assert all(limit < 0.5 for limit in limits)
    expected = f1_score(y[in_test()], said[in_test()] > limits, average="macro")
    assert tuned["macro_f1"]["value"] == pytest.approx(expected)
    # Whatever the method says of test and train clips, the thresholds stay.
    rows = world.measures("good")
    for row, held in zip(rows, validation, strict=True):
        row["class_scores"] = row["class_scores"] if held else row["class_scores"][::-1]
    write_measures("good", rows)
    score(monkeypatch, "good")
    assert [scores()[f"threshold:{name}"]["value"] for name in CLASSES] == pytest.approx(limits)


def test_a_fixed_threshold_reads_the_scores_anew(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(table / "params.yaml", sets({"default": 0.3}))
    score(monkeypatch, "good")
    expected = f1_score(actual()[in_test()], world.scores("good")[in_test()] > 0.3, average="macro")
    assert scores()["macro_f1"]["value"] == pytest.approx(expected)
    assert scores()["threshold:baby"]["value"] == 0.3


def test_broken_rules_are_counted_and_nothing_is_changed(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score(monkeypatch, "poor")
    named = world.scores("poor")[in_test()] > 0.5
    baby, suction, ventilation = named.T
    found = scores("poor")
    parts = {
        "suction without baby": suction & ~baby,
        "ventilation without baby": ventilation & ~baby,
        "suction with ventilation": suction & ventilation,
    }
    for rule, broken in parts.items():
        assert found[f"violations:{rule}"]["value"] == pytest.approx(broken.mean())
    assert found["violations"]["value"] == pytest.approx(np.any(list(parts.values()), 0).mean())
    assert found["macro_f1"]["value"] == pytest.approx(f1_score(actual()[in_test()], named, average="macro"))
    write(table / "params.yaml", sets({"default": "own"}, rules=None))
    score(monkeypatch, "poor")
    assert "violations" not in scores("poor")


def test_what_could_not_be_read_is_wrong_and_what_failed_is_left_out(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = world.measures("good")
    empty = next(n for n, row in enumerate(world.windows()) if row["group"] == "r4" and not row["labels"])
    full = next(n for n, row in enumerate(world.windows()) if row["group"] == "r5" and len(row["labels"]) == 2)
    rows[empty] |= {"value": 0.0, "labels": [], "class_scores": None, "classes": None, "detail": "unparsed"}
    rows[full] |= {"value": None, "labels": None, "class_scores": None, "classes": None, "detail": "error: no server"}
    del rows[next(n for n, row in enumerate(world.windows()) if row["group"] == "r6")]
    write_measures("good", rows)
    score(monkeypatch, "good")
    verdicts = {row["clip_id"]: row for row in read_table(RUN.verdicts("good"), VERDICTS).iter_rows(named=True)}
    assert verdicts[rows[empty]["clip_id"]]["right"] == 0.0  # though the clip has no label either
    assert verdicts[rows[full]["clip_id"]]["left_out"] == "error: no server"
    assert verdicts["r6_00"]["left_out"] == "no answer was measured"
    assert scores()["macro_f1"]["clips"] == 97


def test_a_class_without_test_clips_is_in_no_mean(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = world.windows()
    for row in rows:
        if row["group"] not in ("r0", "r1", "r2"):
            row["labels"] = [name for name in row["labels"] if name != "suction"]
    write_table(RUN.manifest, rows, MANIFEST)
    write_class_list(RUN, "multi")
    score(monkeypatch, "good")
    y = np.array([[name in row["labels"] for name in CLASSES] for row in rows])[in_test()]
    each = f1_score(y, world.scores("good")[in_test()] > 0.5, average=None, zero_division=0)
    assert scores()["macro_f1"]["value"] == pytest.approx(each[[0, 2]].mean())
    assert scores()["macro_f1"]["classes"] == 2
    assert "f1:suction" not in scores()


def test_rows_in_another_order_give_the_same_bytes(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(table / "params.yaml", sets({"default": "tuned"}))
    files = [RUN.scores("null_shuffled"), RUN.verdicts("null_shuffled")]
    score(monkeypatch, "null_shuffled")
    before = [file.read_bytes() for file in files]
    shuffle(RUN.measures("null_shuffled") / "measures.parquet", MEASURES, 1)
    shuffle(RUN.manifest, MANIFEST, 2)
    shuffle(RUN.splits, SPLITS, 3)
    score(monkeypatch, "null_shuffled")
    assert [file.read_bytes() for file in files] == before


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"good": 0.5}, "no `default`"),
        ({"default": 1.5}, "thresholds"),
        ({"default": "mine"}, "thresholds"),
    ],
)
def test_impossible_thresholds_are_refused(
    table: Path, monkeypatch: pytest.MonkeyPatch, thresholds: dict[str, Any], message: str
) -> None:
    write(table / "params.yaml", sets(thresholds))
    with pytest.raises(InputError, match=message):
        score(monkeypatch, "good")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["baby", "feeding"]}, r"row r3_00, key 'labels': no class of the data set: feeding"),
        ({"classes": ["baby", "suction", "feeding"]}, r"key 'classes': no class of the data set: feeding"),
        ({"class_scores": [0.1, 0.2]}, r"row r3_00, key 'class_scores': 3 classes and 2 scores"),
        ({"class_scores": [0.1, 0.2, float("nan")]}, r"score of ventilation is nan"),
    ],
)
def test_impossible_answers_name_file_row_and_key(
    table: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], message: str
) -> None:
    rows = world.measures("good")
    rows[60] |= change
    write_measures("good", rows)
    with pytest.raises(InputError, match=message):
        score(monkeypatch, "good")


def test_what_cannot_be_tuned_is_told(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(table / "params.yaml", sets({"default": "tuned"}))
    bare = [row | {"classes": None, "class_scores": None} for row in world.measures("good")]
    write_measures("good", bare)
    with pytest.raises(InputError, match="scores no classes"):
        score(monkeypatch, "good")
    write_measures("good", [row for row in world.measures("good") if not row["clip_id"].startswith("r0")])
    with pytest.raises(InputError, match="no class scores for the validation part of new"):
        score(monkeypatch, "good")
    write_measures("good", world.measures("good"))
    write_table(RUN.splits, world.splits(r0="train"), SPLITS)
    with pytest.raises(InputError, match="protocol new has no validation part"):
        score(monkeypatch, "good")
    twice = [*world.splits(), *(row | {"protocol": "other"} for row in world.splits())]
    write_table(RUN.splits, twice, SPLITS)
    with pytest.raises(InputError, match="may not be tested by another: good is scored on new, other"):
        score(monkeypatch, "good")
    score(monkeypatch, "good", protocols={"good": "new"})


def test_sets_without_params_for_them_are_told(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changed = copy.deepcopy(world.PARAMS)
    del changed["score"]["small"]["sets"]
    write(table / "params.yaml", changed)
    with pytest.raises(InputError, match=r"params/datasets/small\.yaml, key 'score\.sets'"):
        score(monkeypatch, "good")


def test_the_best_threshold_is_the_best_of_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        y = rng.random(30) < 0.3
        score = np.round(rng.random(30), 1)
        found = best(y, score)
        said = {tuple(score > limit) for limit in np.linspace(-0.01, 1, 203)}  # a dozen, for scores have one digit
        tried = [f1_score(y, list(each), zero_division=0) for each in said]
        assert not y.any() or f1_score(y, score > found, zero_division=0) == pytest.approx(max(tried))
    assert best(np.zeros(3, bool), np.array([0.1, 0.2, 0.3])) == 0.5
    assert best(np.array([True, False]), np.array([-np.inf, -np.inf])) == 0.5
    assert best(np.array([True, True]), np.array([0.2, 0.9])) < 0.2
    assert best(np.array([False, True]), np.array([0.2, 0.9])) == pytest.approx(0.55)


def test_sets_of_a_single_label_run_are_unaffected(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pl.DataFrame(world.measures("good"))
    single = frame.with_columns(metric=pl.lit("similarity"), labels=None, classes=None, class_scores=None)
    write_measures("good", [*world.measures("good"), *single.iter_rows(named=True)])
    score(monkeypatch, "good")
    both = read_table(RUN.scores("good"), SCORES)
    assert {"mca", "class:baby"} <= set(both.filter(pl.col("metric") == "similarity")["aggregate"])
    assert "mca" not in set(both.filter(pl.col("metric") == "labels")["aggregate"])


def test_what_is_invented_is_counted_by_clip_by_class_and_outside_of_the_list(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = world.measures("poor")
    outside = {row["clip_id"] for row in rows[::7]}
    for row in rows:
        row["detail"] = "names no class: juggling" if row["clip_id"] in outside else None
    write_measures("poor", rows)
    score(monkeypatch, "poor")
    found, y, said = scores("poor"), actual()[in_test()], world.scores("poor")[in_test()] > 0.5
    extra = said & ~y
    assert extra.any()
    assert found["invented"]["value"] == pytest.approx(extra.any(1).mean())
    assert found["invented_per_clip"]["value"] == pytest.approx(extra.sum(1).mean())
    assert found["invented"]["low"] < found["invented"]["value"] < found["invented"]["high"]
    for column, name in enumerate(CLASSES):
        lack = ~y[:, column]
        if lack.any():
            assert found[f"invented:{name}"]["value"] == pytest.approx(said[lack, column].mean())
            assert found[f"invented:{name}"]["clips"] == lack.sum()
    ids = np.array([row["clip_id"] for row in world.windows()])[in_test()]
    assert found["outside"]["value"] == pytest.approx(np.mean([name in outside for name in ids]))


def test_a_threshold_for_each_class_can_be_given(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = dict(zip(sorted(CLASSES), (0.3, 0.5, 0.7), strict=True))
    write(table / "params.yaml", sets({"default": "own", "good": limits}))
    score(monkeypatch, "good")
    found = scores()
    assert {name: found[f"threshold:{name}"]["value"] for name in CLASSES} == limits
    said = world.scores("good")[in_test()] > [limits[name] for name in CLASSES]
    assert found["macro_f1"]["value"] == pytest.approx(f1_score(actual()[in_test()], said, average="macro"))
    write(table / "params.yaml", sets({"default": "own", "good": {"baby": 0.3}}))
    with pytest.raises(InputError, match="give one for each class"):
        score(monkeypatch, "good")
