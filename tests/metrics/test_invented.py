"""Hallucination, and metrics against the truth."""

import polars as pl
import pytest

from stages.base.paths import NULLS, Run
from stages.base.schema import CAPTIONS, MANIFEST, MEASURES, PREDICTIONS, SPLITS
from stages.base.tables import read_table, write_json, write_table
from stages.methods.records import read_methods
from stages.metrics.grounded import grounded_in_keywords, grounded_in_truth
from stages.metrics.listed import listed
from stages.metrics.truth import Truth, foreign, template
from stages.metrics.truth_named import truth_named
from stages.text.model import PACKAGED
from tests.class_list import write_class_list
from tests.measure.test_judge_stage import MEASURE
from tests.records import records, write_nulls
from tests.small_run import PARAMS, guessing, write_run
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

CUP = Truth("drinking from a cup", "drinking", "cup", "on the sofa")
LIE = Truth("lying down on the sofa", "lying down", None, "on the sofa")
POUR = Truth("pouring from a bottle into a cup", "pouring", "bottle", "at the counter")
VOCABULARY = ["bottle", "can", "cup", "drinking", "lying down", "pouring", "reading"]


def test_the_template_says_what_was_rendered():
    assert template(CUP) == "The person is drinking from a cup on the sofa."
    assert template(LIE) == "The person is lying down on the sofa."
    assert template(Truth("entering through the door", "entering", None, "through the doorway")) == (
        "The person is entering through the door."
    )


def test_a_caption_that_names_what_the_clip_lacks_is_not_grounded():
    lacks = foreign(CUP, VOCABULARY)
    assert lacks == ["bottle", "can", "lying down", "pouring", "reading"]
    assert grounded_in_truth("She is drinking from a cup.", lacks) == (1, None)
    assert grounded_in_truth("She is drinking from a can, reading.", lacks) == (0, "names can, reading")
    assert grounded_in_truth("Somebody is there.", lacks) == (1, None)  # it names nothing, and so invents nothing
    assert foreign(POUR, VOCABULARY) == ["can", "drinking", "lying down", "reading"]  # the cup is in its phrase


@pytest.mark.parametrize(("text", "value"), [("drinking from a cup", 1), ("holding a cup", 0.5), ("sleeping", 0)])
def test_how_much_of_the_truth_is_named(text, value):
    assert truth_named(text, CUP) == value


def test_keywords_of_another_class_and_none_of_its_own():
    own, others = ["drink", "cup"], ["read", "book"]
    assert grounded_in_keywords("drinks and reads", own, others) == (1, None)
    assert grounded_in_keywords("reads a book", own, others) == (0, "of other classes only: read, book")
    assert grounded_in_keywords("stands", own, others) == (1, None)


def test_what_is_outside_of_the_list():
    assert listed(None) == (1, None)
    assert listed("names several: A, B") == (1, None)
    assert listed("names several: A, B; names no class: juggling")[0] == 0


def test_references_and_models_are_held_against_the_truth(workplace):
    run = Run("home")
    write_table(run.manifest, [{"clip_id": "a", "labels": ["Drink"]}, {"clip_id": "b", "labels": ["Lie"]}], MANIFEST)
    write_class_list(run)
    write_table(run.splits, [{"protocol": "cs", "fold": "", "clip_id": name, "part": "test"} for name in "ab"], SPLITS)
    write_table(
        run.captions, [{"clip_id": name, "text": "A person is drinking from a bottle."} for name in "ab"], CAPTIONS
    )
    write_json(run.keywords, {"classes": {"Drink": ["drink"], "Lie": ["lying"]}})
    truths = [{"clip_id": name, **truth._asdict()} for name, truth in (("a", CUP), ("b", LIE))]
    pl.DataFrame(truths).write_parquet(run.data / "truth.parquet")
    said = {"model": template(CUP), "references": "A person is drinking from a bottle."}
    for method, text in said.items():
        write_table(
            run.predictions(method),
            [
                {
                    "clip_id": name,
                    "method": method,
                    "repeat": 0,
                    "text": text,
                    "labels": ["Drink"] if method == "model" else None,
                    "status": "ok",
                    "detail": "names no class: juggling" if name == "b" else None,
                }
                for name in "ab"
            ],
            PREDICTIONS,
        )
    block = {
        "metrics": ["keyword", "similarity", "truth_similarity", "truth_named", "grounded", "listed"],
        "encoder": PACKAGED,
        "nearest_class": {"description": "label", "protocol": None},
        "bertscore": {"encoder": PACKAGED, "layer": 6, "protocol": None},
        "judge": None,
    }
    values = {
        "measure": {"home": block},
        "vlm": {"none": {"backend": "none"}},
        "methods": records(run, "model"),
    }
    write_nulls(run, [{"clip_id": "a", "repeat": 0, "text": "A person.", "status": "ok"}])
    assert workplace.run("measure", "home", "none", "data/home/truth.parquet", values=values) == ""
    found = {}
    for method in said:
        table = read_table(run.measures(method) / "measures.parquet", MEASURES)
        found[method] = {(row["metric"], row["clip_id"]): row["value"] for row in table.iter_rows(named=True)}
    assert found["model"]["truth_similarity", "a"] == pytest.approx(1, abs=1e-6)
    assert found["model"]["truth_similarity", "b"] < 0.9
    assert [found["model"]["truth_named", name] for name in "ab"] == [1, 0]
    assert [found["model"]["grounded", name] for name in "ab"] == [1, 0]
    assert [found["model"]["listed", name] for name in "ab"] == [1, 0]
    assert {metric for metric, _ in found["references"]} == {"truth_similarity", "truth_named", "grounded"}
    assert [found["references"]["truth_named", name] for name in "ab"] == [0.5, 0]
    assert [one.name for one in read_methods(run)] == ["model", "references", *NULLS]
    # Nobody writes captions: there are no references to measure.
    write_table(run.captions, [], CAPTIONS)
    assert workplace.run("measure", "home", "none", "data/home/truth.parquet", values=values) == ""
    assert [one.name for one in read_methods(run)] == ["model", *NULLS]
    said = workplace.run("measure", "home", "none", "data/none", values=values)
    assert said.startswith("error: params/datasets/home.yaml, key 'measure.metrics': metrics of the truth")
    assert "truth_similarity, truth_named" in said


@pytest.mark.parametrize(("skill", "value"), [(1.0, 1.0), (0.0, 0.0)])
def test_without_a_truth_it_goes_by_the_keywords_of_the_classes(tmp_path, monkeypatch, skill, value):
    """A model that is always right names its class's keyword; one that is always wrong names another class's."""
    monkeypatch.chdir(tmp_path)
    block = {**MEASURE, "metrics": ["grounded"], "judge": None}
    values = PARAMS | {"measure": {"home": block}, "methods": records(Run("home"), "guess_describe")}
    run = write_run(tmp_path, 15, values=values)
    write_nulls(run, [{"clip_id": "clip00000", "repeat": 0, "status": "missing"}])
    guessing("caption", ["home", "guess"])
    guessing("infer", ["home", "guess_describe", "guess", "describe", "all"], skill=skill)
    guessing("measure", ["home", "guess", "data/none"])
    rows = read_table(run.measures("guess_describe") / "measures.parquet", MEASURES)
    assert rows["value"].to_list() == [value] * 12
