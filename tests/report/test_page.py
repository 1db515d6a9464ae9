"""The page as a text: what it holds, what it must not hold, and that it is the same each time."""

import re

import polars as pl
import pytest

from stages.base import schema
from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import PREDICTIONS
from stages.base.tables import read_table, write_json, write_table
from stages.report import exclusions, gallery, provenance
from stages.report.agreement import self_agreement
from stages.report.inputs import load
from stages.report.pack import unpacked
from stages.report.render import page
from tests.records import list_methods
from tests.report import small

SEEDS = Run("small").metrics / "seeds"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = Run("small")
    small.write(run)
    return run


@pytest.fixture
def inputs(run):
    return load(run, None)


def data(text, name):
    return unpacked(re.search(rf'id="data-{name}">([^<]*)<', text)[1])


def test_same_tables_give_the_same_bytes(run, inputs):
    again = load(run, None)
    assert page(inputs, small.params(), small.rules()) == page(again, small.params(), small.rules())


def test_nothing_is_asked_of_the_network(inputs):
    text = page(inputs, small.params(), small.rules())
    assert not re.search(r'(src|href)="(?!#|data:)', text)
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|\bimport\b.*from", text)
    assert "default-src 'none'" in text


def test_texts_of_captions_params_and_findings_are_inert(inputs):
    text = page(inputs, small.params(), small.rules())
    assert "window.taken" not in text
    assert text.count("</script>") == 4
    assert "A small &lt;run&gt;" in text
    assert "<b>whose</b>" not in text
    assert small.HOSTILE in data(text, "gallery")["texts"]


@pytest.mark.parametrize(*small.RULE_OF_IMAGES)
def test_images_of_a_licensed_data_set_stay_out(inputs, images, licensed, shown):
    text = page(inputs, small.params(images=images), small.rules(licensed=licensed))
    pictures = data(text, "pictures")
    assert ("data:image" in str(pictures)) == shown
    assert len(pictures) == (6 if shown else 0)
    assert ("data:image" in text) == shown  # the classes at a glance
    if shown:
        assert all(len(frames) == 2 for frames in pictures.values())


def test_gallery_marks_every_answer(inputs):
    columns = data(page(inputs, small.params(), small.rules()), "gallery")
    assert sorted(columns["clips"]) == sorted(small.SMALL.clips)
    for place, clip in enumerate(columns["clips"]):
        index = small.SMALL.clips.index(clip)
        for method in small.SMALL.methods:
            for metric in small.METRICS:
                expected = "1" if small.SMALL.right(method, index, metric) else "0"
                expected = "-" if (method, index) == ("bold", 0) else expected
                assert columns["right"][metric][method][place] == expected
    answers = columns["answers"]["bold"]
    assert answers["status"] == {str(columns["clips"].index(small.SMALL.clips[0])): "missing: not in the file"}
    assert list(columns["values"]) == ["similarity"]
    assert set(columns["values"]["similarity"]["embedded"]) == {250, 750}


def with_seeds(run):
    """Write seeds of `bold`, which learns, and of `embedded`, whose base model had another seed."""
    summary = pl.read_csv(run.metrics / "summary.csv")
    learns = pl.col("model") == "bold"
    small.csv(
        run.metrics / "summary.csv",
        summary.with_columns(
            pl.when(learns).then(3).alias("seeds"),
            pl.when(learns).then("mca").alias("seeds_mean"),
            pl.when(learns).then(0.05).alias("seeds_sd"),
            pl.when(learns).then(0.15).alias("low_seeds"),
            pl.when(learns).then(0.85).alias("high_seeds"),
        ),
    )
    pairs = pl.read_csv(run.metrics / "differences.csv")
    small.csv(run.metrics / "differences.csv", pairs.with_columns(low_seeds=-0.3, high_seeds=0.5, p_seeds=0.4))
    drawn = [
        ("bold", 0, 0, 0.5),
        ("bold", 0, 1, 0.45),
        ("bold", 0, 2, 0.55),
        ("bold", 1, 0, 0.3),
        ("embedded", 0, 0, 0.5),
        ("embedded", 2, 0, 0.4),
    ]
    small.csv(
        SEEDS / "seeds.csv",
        [
            {
                "method": method,
                "protocol": "cs",
                "metric": metric,
                "aggregate": "mca",
                "base_seed": base,
                "seed": seed,
                "value": value,
            }
            for method, base, seed, value in drawn
            for metric in small.METRICS
        ],
    )


def test_seeds_reach_the_page_with_what_they_mean(run, inputs):
    before = page(inputs, small.params(), small.rules())
    assert "about-seeds" not in before
    assert data(before, "overview")["seeds"] == {}
    with_seeds(run)
    text = page(load(run, SEEDS), small.params(), small.rules())
    shown = data(text, "overview")
    assert shown["seeds"]["bold|cs|keyword|mca"] == {"own": [0.45, 0.55], "base": [0.3]}
    assert shown["seeds"]["embedded|cs|keyword|mca"] == {"own": [], "base": [0.4]}
    assert {row["low_seeds"] for row in shown["results"] if row["method"] == "bold"} == {0.15}
    about = " ".join(re.search(r'id="about-seeds">(.*?)</span>', text, re.S)[1].split())
    assert "only where the interval of their difference that includes seeds excludes&nbsp;0" in about
    assert "all intervals are on the shipped base model" in about


def test_classes_take_turns_and_the_most_per_class_holds(inputs):
    chosen = gallery.choose(inputs, "cs", 3, 1)
    labels = [clip.split("_p")[0] for clip in chosen.clips]
    assert labels == small.SMALL.classes * 3
    assert chosen.pictured == chosen.clips[:3]


def test_every_clip_left_out_is_named_with_its_reason(inputs):
    found = {(entry["what"], entry["why"]): entry["clips"] for entry in exclusions.exclusions(inputs)}
    assert found == {
        ("clips that cannot be used", "no video stream"): 1,
        ("answers of bold", "missing: not in the file"): 1,
        ("test clips of bold by keyword", "missing: not in the file (cs 1, cv1 1)"): 1,
    }


def test_errors_that_the_next_run_asks_again_are_on_the_page(run, inputs):
    """A method that was asked and is not measured has no title."""
    write_json(run.errors, {"caption": 0, "infer": {"bold": 1200, "untitled": 1, "embedded": 0}, "measure": 2})
    text = page(load(run, None), small.params(), small.rules())
    said = re.search(r'id="errors">(.*?)</p>', text, re.DOTALL)[1]
    assert inputs.titles["bold"] == "Bold & brave"
    assert "1,200 answers of Bold &amp; brave, 1 answers of untitled, 2 judgements." in " ".join(said.split())
    assert "asks again" in said
    write_json(run.errors, {"caption": 0, "infer": {"bold": 0}, "measure": 0})
    assert page(load(run, None), small.params(), small.rules()) == page(inputs, small.params(), small.rules())
    assert 'id="errors"' not in page(inputs, small.params(), small.rules())


def test_the_share_of_cut_answers_is_on_the_page(run):
    """They count as they are, so a reader must see how many there are."""
    path = run.predictions("embedded")
    ended = ["length"] * 3 + ["stop"] * 8 + [None]
    rows = read_table(path, PREDICTIONS).with_columns(pl.Series("ended", ended), tokens_thinking=pl.lit(7, pl.Int32))
    write_table(path, rows, PREDICTIONS)
    inputs = load(run, None)
    shares = {row["method"]: (row["cut"], row["tokens_thinking"]) for row in provenance.of_methods(inputs)}
    assert shares == {"embedded": (3 / 11, 84), "bold": (None, None), "null_constant": (None, None)}
    (entry,) = [entry for entry in exclusions.exclusions(inputs) if entry["why"] == exclusions.CUT]
    assert (entry["what"], entry["clips"], entry["examples"]) == ("answers of embedded, cut", 3, small.SMALL.clips[:3])
    text = page(inputs, small.params(), small.rules())
    assert re.search(r'<td class="n">84</td><td class="n">27\.3</td>', text)


def test_paper_beside_ours(run, inputs):
    target = {"protocol": "cs", "metric": "similarity", "aggregate": "mca", "where": "Table 1"}
    write_json(
        run.data / "targets.json",
        {
            "paper": "A paper",
            "reasons": {"list": "another list"},
            "protocol_reasons": ["list"],
            "targets": [
                {"model": "embedded", "value": 0.9, "reasons": ["list"], **target},
                {"model": "unknown", "value": 0.4, **target},
                {"model": "theirs", "value": 0.3, "reference": True, **target},
                {"model": "embedded", "value": 0.9, "reference": True, **target},
                {"model": "embedded", "against": "embedded", "value": 0.02, **target},
                {"model": "elsewhere", "value": 0.123, "dataset": "another", **target},
                {"model": "here", "value": 0.321, "dataset": run.name, **target},
            ],
        },
    )
    text = page(inputs, small.params(), small.rules(targets=run.data / "targets.json"))
    table = re.search(r'id="targets-table">.*?</table>', text, re.S)[0]
    assert "−40.0" in table
    assert "⚑ differs" in table
    assert "elsewhere" not in table  # of another data set's page
    assert "32.1" in table
    assert table.count("not run here") == 1  # a reference row that has a number of ours is shown as any other
    assert "not run here" in table[table.index("Theirs &amp; nobody") : table.rindex("embedded")]
    assert re.findall(r">(2\.0|0\.0|−2\.0)<", table) == ["2.0", "0.0", "−2.0"]  # a paper that prints differences only
    unknown = table[table.index("unknown") : table.index("Theirs &amp; nobody")]
    assert re.findall(r">(–|40.0)<", unknown) == ["40.0", "–", "–", "–"]


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda run: run.predictions("bold").unlink(), "predictions/bold.parquet: no such file"),
        (lambda run: (run.data / "sweep.csv").unlink(), "sweep.csv: no such file"),
        (lambda run: (run.data / "sweep.csv").write_text("method,threshold\n"), "'protocol', 'metric', 'mca'"),
        (lambda run: (run.metrics / "summary.csv").write_bytes(b"a,b\n1,2,3\n"), "summary.csv: not a CSV table"),
    ],
)
def test_a_missing_or_foreign_table_is_named(run, break_it, message):
    break_it(run)
    with pytest.raises(InputError, match=re.escape(message)):
        load(run, None)


def test_a_removed_methods_rows_do_not_reach_the_page(run):
    list_methods(run, ["embedded", "null_constant"])
    with pytest.raises(InputError, match=r"methods \['bold'\] are in the table but were not measured"):
        load(run, None)


def test_a_method_without_a_number_is_named(run):
    list_methods(run, ["embedded", "bold", "shy", "null_constant"])
    small.write_method(run, small.SMALL, "shy")
    with pytest.raises(InputError, match=r"no numbers for \['shy'\]"):
        load(run, None)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"paper": "x", "targets": [{"model": "m"}]}, "key 'targets.0.protocol'"),
        ({"paper": "x", "targets": [], "note": 1}, "key 'note'"),
        (
            {
                "paper": "x",
                "targets": [
                    {
                        "model": "m",
                        "protocol": "cs",
                        "metric": "k",
                        "aggregate": "mca",
                        "value": 1,
                        "where": "T1",
                        "reasons": ["why"],
                    }
                ],
            },
            "reasons ['why'] are not explained",
        ),
    ],
)
def test_wrong_targets_are_named(run, inputs, targets, message):
    write_json(run.data / "targets.json", targets)
    with pytest.raises(InputError, match=re.escape(message)):
        page(inputs, small.params(), small.rules(targets=run.data / "targets.json"))


def test_keyframes_that_are_not_there_are_named(run, inputs):
    (run.keyframes / "0.parquet").unlink()
    run.keyframes.rmdir()
    with pytest.raises(InputError, match="no such folder"):
        page(inputs, small.params(), small.rules())


def test_self_agreement_is_told_from_the_revisions_of_the_tables(run):
    """The references are of revision `r`; `embedded` is its adapted model, `bold` another, and `r` judges both."""
    for method, revision in (("embedded", "r+adapter"), ("bold", "other")):
        rows = read_table(run.predictions(method), schema.PREDICTIONS).with_columns(revision=pl.lit(revision))
        write_table(run.predictions(method), rows, schema.PREDICTIONS)
        measures = read_table(run.measures(method) / "measures.parquet", schema.MEASURES)
        judged = measures.filter(metric="keyword").with_columns(metric=pl.lit("judge"), value=pl.lit(0.5))
        write_table(run.measures(method) / "measures.parquet", pl.concat([measures, judged]), schema.MEASURES)
        write_table(
            run.measures(method) / "judgements.parquet",
            [{"journal_key": "k", "value": 0.5, "revision": "r"}],
            schema.JUDGEMENTS,
        )
    inputs = load(run, None)
    assert self_agreement(inputs) == [
        ("embedded", ["similarity"], "its model wrote the reference captions too"),
        ("embedded", ["judge"], "the judge's model wrote the answers and wrote the references too"),
        ("bold", ["judge"], "the judge's model wrote the references too"),
    ]
    text = page(inputs, small.params(), small.rules())
    assert text.count('class="note warning self-agreement"') == 2  # at the results and at the AUC
    assert "embedded, similarity: its model wrote the reference captions too" in text


def test_the_constant_answers_of_each_metric_are_shown(run):
    rows = read_table(run.predictions("null_constant"), schema.PREDICTIONS).with_columns(text=pl.lit("for all"))
    own = rows.with_columns(
        repeat=pl.lit(1, pl.Int32),
        metric=pl.lit("keyword"),
        text=pl.lit("of <keywords>"),
        detail=pl.lit("a keyword of 23 of 31 classes"),
    )
    write_table(run.predictions("null_constant"), pl.concat([rows, own]), schema.PREDICTIONS)
    text = page(load(run, None), small.params(), small.rules())
    table = re.search(r'id="constants-table">.*?</table>', text, re.S)[0]
    assert "of &lt;keywords&gt;" in table
    assert "a keyword of 23 of 31 classes" in table
    assert "similarity, and all others" in table


@pytest.mark.parametrize(
    ("status", "detail", "why"),
    [
        ("error", "the server is down", "no answer could be scored: of 12, 12 error (the server is down)"),
        ("missing", None, "no answer could be scored: of 12, 12 missing"),
        ("unparsed", None, "no answer could be scored: of 12, 12 unparsed"),
        ("ok", None, "none of its 12 answers is one that a metric of this run scores"),
    ],
)
def test_a_method_without_a_scored_answer_is_a_row_with_its_reason(run, status, detail, why):
    answers = read_table(run.predictions("bold"), schema.PREDICTIONS).with_columns(
        status=pl.lit(status), detail=pl.lit(detail, pl.String)
    )
    write_table(run.predictions("bold"), answers, schema.PREDICTIONS)
    table = run.metrics / "summary.csv"
    summary = pl.read_csv(table).filter(pl.col("model") != "bold")
    summary.write_csv(table)
    # Numbers that are there and not in the table are of another run, and still an error.
    with pytest.raises(InputError, match=r"no numbers for \['bold'\]"):
        load(run, None)
    verdicts = read_table(run.verdicts("bold"), schema.VERDICTS).with_columns(right=pl.lit(None, pl.Float64))
    write_table(run.verdicts("bold"), verdicts, schema.VERDICTS)
    text = page(load(run, None), small.params(), small.rules())
    assert f'<td>bold</td><td colspan="5">{why}</td>' in text
    assert next(one for one in data(text, "overview")["methods"] if one["id"] == "bold")["why"] == why
