"""The page of a run whose clips have several labels or none: numbers class by class, their means, broken rules."""

import json

import pytest

from stages.base.schema import MANIFEST, PREDICTIONS
from stages.base.tables import read_table, write_json, write_table
from stages.report import exclusions
from stages.report.inputs import load
from stages.report.render import page
from tests.report import small
from tests.report.test_browser import By, choose, open_page, texts
from tests.report.test_page import data
from tests.score import table as world
from tests.score.small import RUN, compare, score
from tests.score.table import CLASSES, METHODS


def predictions(method):
    rows = [row | {"status": "ok"} for row in world.measures(method)]
    return [{name: row[name] for name in PREDICTIONS.names if name in row} for row in rows]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        world.write_run(patch, tmp_path_factory.mktemp("sets"))
        for method in METHODS:
            write_table(RUN.predictions(method), predictions(method), PREDICTIONS)
        score(patch, *METHODS)
        compare(patch, *METHODS)
        write_json(RUN.metrics / "audit.json", [])
        yield load(RUN, None)


def made(inputs, **changes):
    wanted = {"protocols": ["new"], "metrics": ["labels"], "images": "never", **changes}
    return page(inputs, small.params(**wanted), small.rules())


def test_numbers_reach_the_page(inputs):
    overview = data(made(inputs), "overview")
    row = next(row for row in overview["results"] if row["method"] == "good")
    assert row["headline"] == "macro_f1"
    assert row["macro_f1_low"] < row["macro_f1"] < row["macro_f1_high"]
    assert row["mca"] is None
    assert overview["clusters"] == "recordings"
    assert [one["id"] for one in overview["setNumbers"]] == ["f1", "precision", "recall", "ap"]
    cells = overview["perClass"]["new|labels|ap"]["good"]
    assert len(cells) == len(CLASSES)
    assert all(low <= value <= high for value, low, high, _ in cells)


def test_an_empty_set_is_no_clip_without_a_label(inputs):
    assert any(not labels for labels in read_table(RUN.manifest, MANIFEST)["labels"].to_list())
    found = {entry["what"] for entry in exclusions.exclusions(inputs)}
    assert "clips without a label" not in found
    assert "clips that cannot be used" in found


def test_the_gallery_shows_the_sets_that_were_scored(inputs):
    columns = data(made(inputs), "gallery")
    sets, right = columns["sets"]["labels"]["good"], columns["right"]["labels"]["good"]
    judged = 0
    for place in range(len(columns["clips"])):
        if right[place] in "01":
            judged += 1
            assert (right[place] == "1") == (sets[place] == columns["labels"][place])
    assert judged == 99


def test_the_page_draws_them(inputs, browser, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(made(inputs))
    browser.get_log("browser")
    open_page(browser, path)
    assert texts(browser, "#results-table thead .sort") == ["Method", "Named classes"]
    shown = texts(browser, "#results-table .figure")
    rows = {row["method"]: row for row in data(path.read_text(), "overview")["results"]}
    assert shown == [f"{100 * rows[name]['macro_f1']:.1f}" for name in ("good", "poor", "null_shuffled")]
    assert len(texts(browser, "#results-table svg .span")) == 9  # a bar and two ends for each
    assert "5 rec." in texts(browser, "#results-table thead .size")[0]
    assert texts(browser, "#results-table .delta")[0].endswith("*")
    browser.find_element(By.CSS_SELECTOR, "#results-table button.value").click()
    panel = texts(browser, "#number")[0]
    assert "Mean average precision" in panel
    assert "Rules broken" in panel
    assert "5 recordings are the clusters" in panel
    foot = "#classes-table tbody:last-child td"
    assert texts(browser, "#classes-table tbody:last-child th") == ["macro"]
    assert texts(browser, foot)[1:] == shown
    assert len(texts(browser, f"{foot} line.span")) == 3
    choose(browser, "classes-controls", "number", "ap")
    assert texts(browser, foot)[1] == f"{100 * rows['good']['macro_ap']:.1f}"
    choose(browser, "results-controls", "aggregate", "violations")
    assert texts(browser, "#results-table tr:has(.best) th") == ["good"]  # fewest, not most
    assert not texts(browser, "#confusion")
    assert not texts(browser, "nav a[href='#confusion']")
    assert [entry["message"] for entry in browser.get_log("browser")] == []


def test_same_tables_give_the_same_page(inputs):
    assert made(inputs) == made(inputs)
    assert json.dumps(data(made(inputs), "overview"))
