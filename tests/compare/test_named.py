"""Macro-F1 of metrics that name one class: by hand, and as `score` has it."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from stages.base.schema import SCORES
from stages.base.tables import read_table
from stages.compare.named import LEFT_OUT, NO_CLASS, macro_f1
from stages.compare.paired import of_named
from stages.stats.design import Design
from tests.score import small as world
from tests.score.small import METHODS, RUN, compare, score

#: Of two subjects the same: two clips of class b and two of class c; class a is of other clips.
CLASSES = ["a", "b", "c"]
DESIGN = Design.of(["b", "b", "c", "c"] * 2, ["s1"] * 4 + ["s2"] * 4)
#: b: 2 of 2 found, named 3 times, 4/5; c: 1 of 2, named once, 2/3.
MODEL = np.array([1, 1, 2, 1] * 2)
#: b: 1 of 2, named once, 2/3; c: 1 of 2, named once, 2/3. Two wrong answers are nobody's false positives.
OTHER = np.array([1, NO_CLASS, 2, 0] * 2)


def test_macro_f1_is_as_counted_by_hand() -> None:
    assert macro_f1(DESIGN, CLASSES, MODEL[None]).value == pytest.approx([11 / 15])
    assert macro_f1(DESIGN, CLASSES, OTHER[None]).value == pytest.approx([2 / 3])
    truth = np.array([1, 1, 2, 2] * 2)
    assert macro_f1(DESIGN, CLASSES, np.array([MODEL, truth])).value == pytest.approx([(11 / 15 + 1) / 2])


def test_a_pair_is_compared_on_the_clips_that_both_have() -> None:
    other = np.where(np.arange(8) % 4 == 0, LEFT_OUT, OTHER)  # without the b that it found
    (row,) = of_named(DESIGN, CLASSES, {"model": MODEL, "other": other}, 0.95, {})
    # Of one b and two c: the model has 2/3 of b, named twice, and 2/3 of c; the other 0 and 2/3.
    assert row["difference"] == pytest.approx(1 / 3)
    assert (row["clips"], row["classes"], row["subjects"]) == (6, 2, 2)
    nothing = np.full(8, LEFT_OUT)
    (row,) = of_named(DESIGN, CLASSES, {"model": MODEL, "other": nothing}, 0.95, {})
    assert (row["difference"], row["p_holm"], row["clips"]) == (None, None, 0)


def test_differences_are_those_of_the_scores(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    score(monkeypatch, *METHODS)
    compare(monkeypatch, *METHODS)
    rows = pl.read_csv(RUN.metrics / "differences.csv", infer_schema_length=None)
    assert set(rows["aggregate"]) == {"mca", "macro_f1"}
    found = rows.filter(aggregate="macro_f1")
    # The null model has three draws a clip, and a verdict the class of the first.
    keys = {(protocol, "named", "first", "second") for protocol in ("cs", "few", "loso")}
    assert set(found.select("protocol", "metric", "model", "other").rows()) == keys
    for row in found.iter_rows(named=True):
        one, two = (
            read_table(RUN.scores(row[side]), SCORES)
            .filter(protocol=row["protocol"], metric="named", aggregate="macro_f1")
            .row(0, named=True)
            for side in ("model", "other")
        )
        assert row["difference"] == pytest.approx(one["value"] - two["value"], abs=1e-6)
        assert row["clips"] == one["clips"]
        assert row["low"] < row["difference"] < row["high"]
        assert row["p_holm"] == row["p"]  # a family of its own


def test_the_interval_of_a_pair_is_that_of_the_scores_where_the_other_has_none_right(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against a method that names no class at all, the difference's variance is the row's own."""
    silent = [row | {"label": None, "value": 0.0} for row in world.measures("second") if row["metric"] == "named"]
    world.write_measures("second", silent)
    score(monkeypatch, "first", "second")
    compare(monkeypatch, "first", "second")
    row = pl.read_csv(RUN.metrics / "differences.csv").filter(aggregate="macro_f1", protocol="cs").row(0, named=True)
    own = read_table(RUN.scores("first"), SCORES).filter(protocol="cs", metric="named", aggregate="macro_f1")
    assert row["difference"] == pytest.approx(own["value"].item(), abs=1e-6)
    # Wilson's interval is not symmetric, Student's is; both are about as wide.
    assert row["high"] - row["low"] == pytest.approx((own["high"] - own["low"]).item(), rel=0.25)
