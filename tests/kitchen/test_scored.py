"""What students of verbs and nouns say, from predictions to differences, by the rendered kitchen's params."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from stages.base.paths import Run
from stages.base.schema import CAPTIONS, MANIFEST, PREDICTIONS
from stages.base.tables import read_json, read_table, write_table
from stages.learn.data import read_task
from stages.learn.prediction_rows import action_rows
from stages.teachers.heads import heads_of
from tests.annotated import small
from tests.conftest import ROOT
from tests.stage import workplace  # noqa: F401

RUN = Run("kitchen")
BLOCKS = yaml.safe_load((ROOT / "params/datasets/kitchen.yaml").read_text())
SUBSETS = BLOCKS["score"]["subsets"]["given"]


def values() -> dict:
    """Return params.yaml: the kitchen's blocks, and records of two students."""
    blocks = {name: {"kitchen": block} for name, block in BLOCKS.items() if name != "simulate"}
    blocks["ingest"]["kitchen"] = {**BLOCKS["ingest"], "videos": None}
    records = {
        f"kitchen_{name}": {"dataset": "kitchen", "method": name, "title": name, "protocol": "given"}
        | {"recipe": "tiny", "weights": "data/none", "teacher": "data/none"}
        for name in ("ce", "kd")
    }
    return {**blocks, "asked": {}, "methods": records, "vlm": {"none": {"backend": "none"}}}


def answer(method: str, right: float) -> None:
    """Write predictions that give the true verb and noun so much."""
    manifest = read_table(RUN.manifest, MANIFEST).filter(pl.col("error").is_null())
    # A clip of lists has no file; what is predicted does not ask for one.
    written = manifest.with_columns(path=pl.lit("x"), md5=pl.lit("x"))
    write_table(RUN.manifest, written, MANIFEST)
    task = read_task(RUN, "given")
    heads = heads_of(RUN, task, "verb_noun")
    rng, clips = np.random.default_rng(0), task.folds[0].test
    scores = []
    for clip in clips:
        parts = []
        for head, classes in heads.items():
            part = rng.random(len(classes))
            part[list(classes).index(getattr(clip, head))] += right
            parts.append(part / part.sum())
        scores.append(np.concatenate(parts))
    pairs = {clip.labels[0]: (str(clip.verb), str(clip.noun)) for fold in task.folds[0][1:] for clip in fold}
    rows = action_rows(method, clips, np.round(scores, 6), heads["verb"], heads["noun"], pairs, "0", "k")
    write_table(RUN.predictions(method), list(rows), PREDICTIONS)


@pytest.fixture
def place(workplace):  # noqa: F811
    small.write(workplace.folder / "data/lists")
    assert workplace.run("ingest", "kitchen", "data/lists", values=values()) == ""
    write_table(RUN.captions, [], CAPTIONS)
    answer("ce", 0.0)
    answer("kd", 2.0)
    for stage in (["keywords", "kitchen", "data/none"], ["nulls", "kitchen"]):
        assert workplace.run(*stage, values=values()) == "", stage
    return workplace


def test_verbs_nouns_and_actions_are_scored_on_the_subsets_of_what_was_learnt_from(place):
    listed = read_json(RUN.classes)["classes"]
    assert {"name": "put knife", "words": "put knife", "verb": "put", "noun": "knife"} in listed
    assert place.run("measure", "kitchen", "none", "data/none", values=values()) == ""
    assert place.run("score", "kitchen", "data/none", values=values()) == ""
    scores = pl.concat([pl.read_parquet(RUN.scores(name)) for name in ("ce", "kd", "null_constant")])
    at = {
        (row["method"], row["protocol"], row["metric"]): row
        for row in scores.filter(pl.col("aggregate") == "accuracy").iter_rows(named=True)
    }
    for metric in ("action_1", "action_5", "verb_1", "verb_5", "noun_1", "noun_5"):
        assert at["kd", "given", metric]["value"] == 1
        assert (at["kd", "given", metric]["clips"], at["kd", "given", metric]["subjects"]) == (5, 2)
    assert at["ce", "given", "verb_5"]["value"] == 1  # of four verbs
    assert at["ce", "given", "action_1"]["value"] == at["ce", "given", "answer"]["value"] < 1
    clips = {name: at["kd", name, "action_1"]["clips"] for name in SUBSETS}
    assert clips == dict(zip(SUBSETS, (3, 2, 3, 3, 4, 2, 2), strict=True))
    assert ("null_constant", "given", "verb_1") in at
    headline = read_json(RUN.headlines("kd"))
    assert set(headline) == set(BLOCKS["score"]["headline"])
    summary = pl.read_csv("metrics/kitchen/summary.csv")
    assert set(summary["protocol"]) == {"given", *SUBSETS}
    differences = pl.read_csv("metrics/kitchen/differences.csv")
    assert len(differences.filter((pl.col("metric") == "action_1") & (pl.col("protocol") == "unseen"))) > 0
    own = {row["metric"]: row for row in summary.filter(model="ce", protocol="given").iter_rows(named=True)}
    assert own["noun_1"]["accuracy_low"] < own["noun_1"]["accuracy"] < own["noun_1"]["accuracy_high"]
    assert own["action_1"]["accuracy_low"] == own["action_1"]["accuracy"] == 0 < own["action_1"]["accuracy_high"]
    assert own["answer"]["accuracy_low"] is None  # its headline is mean class accuracy
    of_pair = differences.filter(model="ce", other="kd", protocol="given")
    gaps = {(row["metric"], row["aggregate"]): row["difference"] for row in of_pair.iter_rows(named=True)}
    assert {number for metric, number in gaps if metric != "answer"} == {"accuracy"}
    assert gaps["action_1", "accuracy"] == pytest.approx(own["action_1"]["accuracy"] - 1)
    for number in ("mca", "macro_f1"):
        assert gaps["answer", number] == pytest.approx(own["answer"][number] - 1)


def test_a_subset_that_tests_other_clips_is_refused(place):
    assert place.run("measure", "kitchen", "none", "data/none", values=values()) == ""
    params = values()
    params["score"]["kitchen"] = {**BLOCKS["score"], "subsets": {"regular": ["unseen"]}}
    for record in params["methods"].values():
        record["protocol"] = "regular"
    assert place.run("measure", "kitchen", "none", "data/none", values=params) == ""
    assert "unseen tests clips that regular does not" in place.run("score", "kitchen", "data/none", values=params)
    assert Path("metrics/kitchen").exists()
