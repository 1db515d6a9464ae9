import polars as pl
import pytest

from stages.base.paths import Run
from stages.base.schema import MANIFEST, MEASURES, PREDICTIONS
from stages.base.tables import read_table, write_table
from stages.metrics.labels import labels
from tests.class_list import write_class_list
from tests.measure.test_stage import BLOCK
from tests.records import records, write_nulls
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

RUN = Run("table")


@pytest.mark.parametrize(
    ("row", "value", "named"),
    [
        ((["b", "a"], "ok", None), 1.0, ["a", "b"]),
        (([], "ok", None), 1.0, []),
        ((None, "ok", None), None, None),
        ((None, "unparsed", "empty answer"), 0.0, []),
        (([], "unmapped", "names no class: x"), 0.0, []),
        ((None, "refused", None), 0.0, []),
        ((None, "error", "no server"), None, None),
        ((["a"], "unparsed", "1 of 4 answers"), 1.0, ["a"]),  # what could be read of a question a class
    ],
)
def test_sets_are_answers_and_what_cannot_be_read_is_not(row, value, named):
    found = labels(*row)
    assert (found.value, found.labels) == (value, named)
    assert value == 1 or found.detail


def measured(workplace, rows):
    write_table(RUN.manifest, [{"clip_id": f"c{number}", "labels": []} for number in range(5)], MANIFEST)
    write_class_list(RUN, "multi")
    write_table(
        RUN.predictions("model"), [{"method": "model", "repeat": 0, "status": "ok", **row} for row in rows], PREDICTIONS
    )
    write_nulls(RUN, [{"clip_id": "c0", "repeat": 0, "labels": [], "status": "ok"}])
    values = {
        "measure": {"table": BLOCK | {"metrics": ["labels"]}},
        "vlm": {"none": {"backend": "none"}},
        "methods": records(RUN, "model"),
    }
    assert workplace.run("measure", "table", "none", "data/none", values=values) == ""
    return read_table(RUN.measures("model") / "measures.parquet", MEASURES)


def test_sets_and_scores_reach_the_measures_of_all_parts_without_captions_or_keywords(workplace):
    table = measured(
        workplace,
        [
            {"clip_id": "c0", "labels": ["a", "b"], "classes": ["a", "b"], "class_scores": [0.9, 0.8]},
            {"clip_id": "c1", "labels": [], "text": "none"},
            {"clip_id": "c2", "labels": None, "status": "error", "detail": "no server"},
            {"clip_id": "c3", "labels": None, "status": "unparsed", "classes": ["a", "b"], "class_scores": [None, 0.1]},
            {"clip_id": "c4", "status": "missing"},
        ],
    )
    assert table["metric"].unique().to_list() == ["labels"]
    assert table.select("clip_id", "value", "labels", "class_scores").rows() == [
        ("c0", 1.0, ["a", "b"], [0.9, 0.8]),
        ("c1", 1.0, [], None),
        ("c2", None, None, None),
        ("c3", 0.0, [], [None, 0.1]),
    ]


def test_a_method_that_only_describes_has_no_sets(workplace):
    assert measured(workplace, [{"clip_id": "c0", "text": "A hand."}]).is_empty()


def test_other_metrics_leave_the_columns_of_sets_empty(workplace):
    table = measured(workplace, [{"clip_id": "c0", "labels": ["a"]}])
    assert table.filter(pl.col("label").is_not_null()).is_empty()
