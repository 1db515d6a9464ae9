"""The stage as its command line runs it."""

import json
from pathlib import Path

import pytest

from stages.base.paths import NONE, Run
from stages.base.schema import MANIFEST
from stages.base.tables import write_table
from stages.vlm.tiny import save
from tests.class_list import write_class_list
from tests.stage import workplace

__all__ = ["workplace"]  # a fixture

RUN = Run("tiny")
LISTS = Path(__file__).parents[2] / "stages" / "keywords" / "lists"
HOME = str(LISTS / "home.yaml")


def manifest(**labels):
    rows = [{"clip_id": clip, "labels": list(of), "error": None} for clip, of in labels.items()]
    write_table(RUN.manifest, [*rows, {"clip_id": "broken", "labels": ["Fly"], "error": "empty"}], MANIFEST)
    write_class_list(RUN)


def block(**changes):
    values = {"source": "file", "version": 1, "shared_by": 4}
    return {"keywords": {"tiny": {**values, **changes}}, "asked": {}}


def test_the_lists_of_the_classes_that_usable_clips_have(workplace, capsys):
    manifest(a=["Walk"], b=["Enter", "Walk"], c=[])
    assert workplace.run("keywords", "tiny", HOME, values=block()) == ""
    written = json.loads(RUN.keywords.read_text())
    assert set(written) == {"version", "source", "classes", "warnings"}
    assert list(written["classes"]) == ["Enter", "Walk"]
    assert written["classes"]["Enter"][0] == "entering"
    assert written["warnings"] == []
    first = RUN.keywords.read_bytes()
    assert workplace.run("keywords", "tiny", HOME, values=block()) == ""
    assert RUN.keywords.read_bytes() == first
    assert "keywords tiny: 2 classes, 0 warnings" in capsys.readouterr().out


def test_doubts_are_printed_and_written(workplace, capsys):
    manifest(a=["Drink_Frombottle"], b=["Pour_Frombottle"])
    assert workplace.run("keywords", "tiny", HOME, values=block(shared_by=2)) == ""
    [doubt] = json.loads(RUN.keywords.read_text())["warnings"]
    assert doubt == "'from a bottle' is a keyword of 2 classes: Drink_Frombottle, Pour_Frombottle"
    assert f"warning: {doubt}" in capsys.readouterr().out


def test_a_model_that_babbles_stops_the_stage_and_its_answer_is_shown(workplace):
    manifest(a=["Walk"])
    name = str(save("llama", workplace.folder / "model"))
    model = {
        "backend": "local",
        "name": name,
        "revision": None,
        "media": "images",
        "frames": 1,
        "processor": {},
        "dtype": "float32",
        "quantisation": None,
        "attention": "sdpa",
        "max_new_tokens": 8,
        "temperature": 0,
        "seed": 0,
    }
    values = {"source": "model", "version": 1, "shared_by": 4, "name": "babbler", "prompt": "list", "count": 5}
    told = workplace.run(
        "keywords", "tiny", NONE, values={"keywords": {"tiny": {**values, "model": model}}, "asked": {}}
    )
    assert "1 of 1 classes got no list of keywords:\n  Walk: ok, " in told
    assert not RUN.keywords.exists()
    values |= {"model": model, "prompt": "no"}
    told = workplace.run("keywords", "tiny", NONE, values={"keywords": {"tiny": values}, "asked": {}})
    assert "no such prompt" in told


@pytest.mark.parametrize(
    ("lists", "changes", "message"),
    [
        ("nowhere.yaml", {}, "nowhere.yaml: no such file"),
        (NONE, {}, "data/none"),
        (str(LISTS / "weizmann.yaml"), {}, "1 classes of the data set have no keywords: Walk"),
        (HOME, {"version": 9}, "the params ask for 9"),
        (HOME, {"source": "guess"}, "keywords.tiny"),
    ],
)
def test_bad_input_is_told_in_a_sentence(workplace, lists, changes, message):
    manifest(a=["Walk"])
    (workplace.folder / NONE).parent.mkdir(exist_ok=True)
    (workplace.folder / NONE).touch()
    told = workplace.run("keywords", "tiny", lists, values=block(**changes))
    assert told.startswith("error: ")
    assert message in told


def test_a_manifest_without_classes_says_so(workplace):
    manifest(a=[])
    assert "no usable clip has a label" in workplace.run("keywords", "tiny", HOME, values=block())
