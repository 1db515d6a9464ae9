"""Table I of OV-HHIR: what it prints, what its rows add up to, and that its page says both."""

import json
import re

import polars as pl

from stages.taxonomy.load import load
from tests.conftest import ROOT

PAPER = ROOT / "papers/ov_hhir"


def test_the_page_says_what_is_printed_and_what_the_rows_add_up_to():
    table = pl.read_csv(PAPER / "table_1.csv")
    printed, rows = table.filter(dataset="hhirchat").row(0, named=True), table.filter(pl.col("dataset") != "hhirchat")
    samples, classes = rows["samples"].sum(), rows["classes"].sum()
    assert samples != printed["samples"]  # or the page has nothing to tell
    page = (PAPER / "README.md").read_text()
    assert f"| **HHIRChat, as printed** | - | **{printed['classes']}** | **{printed['samples']:,}** |" in page
    assert f"| **the rows added up** | | **{classes}** | **{samples:,}** |" in page
    assert f"{printed['samples'] - samples:,} samples of the\nprinted sum are in no row" in page
    for row in rows.iter_rows(named=True):
        assert f"| {row['name']} | {row['subjects'] or '-'} | {row['classes']} | {row['samples']:,} |" in page


def test_its_ten_sets_are_those_that_we_know():
    taxonomy = load()
    ours = set(taxonomy.sources) - {"ov_hhir_unseen"} | set(taxonomy.open)
    table = pl.read_csv(PAPER / "table_1.csv")
    assert ours == set(table["dataset"]) - {"hhirchat"}
    assert all((ROOT / f"params/datasets/{name}.yaml").exists() for name in ours)
    assert all((ROOT / f"stages/ingest/adapters/{name}.py").exists() for name in ours)


def test_the_page_counts_what_the_taxonomy_holds():
    taxonomy = load()
    sentences = sum(map(len, taxonomy.classes.values()))
    page = (PAPER / "README.md").read_text()
    assert f"{len(taxonomy.classes)} classes, {sentences} sentences" in page


def test_targets_are_the_papers_tables():
    """Table III has both rows that beat OV-HHIR; every number is read from the text that it says it is from."""
    targets = json.loads((PAPER / "targets.json").read_text())["targets"]
    for one in targets:
        assert re.search(rf"{one['value']:.3f} \+- 0\.\d\d\d$", one["where"])
    of_sets = {name: {} for name in {one.get("dataset") for one in targets} - {None}}
    for one in targets:
        if one.get("dataset"):
            of_sets[one["dataset"]][one["model"]] = one["value"]
    assert len(of_sets) == 7
    assert {name for name, row in of_sets.items() if row["als_har"] > row["ov_hhir"]} == {"air_act2act", "ntu_rgbd"}
    assert {name for name, row in of_sets.items() if row["baseline"] > row["als_har"]} == set()
    cosines = [one for one in targets if one["metric"] == "narration_similarity"]
    assert max(cosines, key=lambda one: one["value"])["model"] == "ov_hhir"
    assert len(cosines) == 5
