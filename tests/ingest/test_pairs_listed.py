"""Two people's lists as a data set: manifest with sentence, pair and camera; subsets of seen and of unseen classes."""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from stages.base.paths import Run
from stages.base.schema import MANIFEST, SPLITS
from stages.base.tables import read_table
from stages.simulate.render import encode
from tests.annotated.test_interactions import ROWS, write
from tests.stage import workplace  # noqa: F401

BLOCK = {
    "adapter": "interactions",
    "videos": "data/lists",
    "licensed": False,
    "protocols": {"given": {"validation": True}},
    "published": {"passers_by": {"test": "data/lists/passers_by.txt", "of": "given"}},
    "subsets": {name: {"of": "given", "tests": name} for name in ("seen_classes", "unseen_classes")},
    "accept_leaks": [],
}


def test_manifest_and_parts(workplace):  # noqa: F811
    folder = write(workplace.folder / "data/lists")
    (folder / "passers_by.txt").write_text("d\n")
    for number, row in enumerate(ROWS[:4]):  # the last has no video
        encode(np.full((6, 32, 48, 3), 30 * number, np.uint8), 5.0, folder / row[1])
    assert workplace.run("ingest", "two", "data/lists", values={"ingest": {"two": BLOCK}}) == ""
    rows = {row["clip_id"]: row for row in read_table(Run("two").manifest, MANIFEST).iter_rows(named=True)}
    assert len(rows) == len(ROWS)
    first = rows["a"]
    assert (first["labels"], first["narration"]) == (["left pushes right"], ROWS[0][4])
    assert (first["subject"], first["camera"], first["group"], first["frames"]) == ("p1+p2", "1", None, 6)
    assert "no video of it" in rows["e"]["error"]
    table = read_table(Run("two").splits, SPLITS)

    def parts(protocol: str, part: str) -> list[str]:
        return table.filter((pl.col("protocol") == protocol) & (pl.col("part") == part))["clip_id"].to_list()

    assert parts("given", "train") == parts("unseen_classes", "train") == ["a", "b"]
    assert parts("given", "validation") == ["c"]
    assert parts("passers_by", "test") == ["d"]
    # Nobody trains on "right pushes left" here, so it counts as unseen too.
    assert (parts("seen_classes", "test"), parts("unseen_classes", "test")) == ([], ["d"])
    audit = json.loads((Run("two").metrics / "audit.json").read_text())
    assert not [one for one in audit if one["severity"] in ("error", "leak")]


def test_a_person_in_two_parts_stops_the_stage(workplace):  # noqa: F811
    write(workplace.folder / "data/lists", person_1=(3, "p1"))
    said = workplace.run("ingest", "two", "data/lists", values={"ingest": {"two": BLOCK}})
    assert "p1 is in the train part too" in said


def test_classes_that_train_are_the_seen_ones(workplace):  # noqa: F811
    write(workplace.folder / "data/lists", label=(3, "hug"))
    block = {**BLOCK, "videos": None, "published": {}}
    assert workplace.run("ingest", "two", "data/lists", values={"ingest": {"two": block}}) == ""
    table = read_table(Run("two").splits, SPLITS).filter(pl.col("part") == "test")
    of = {name: table.filter(pl.col("protocol") == name)["clip_id"].to_list() for name in ("seen_classes", "given")}
    assert of == {"seen_classes": ["d"], "given": ["d", "e"]}
