"""The lists that are curated in the repository."""

from pathlib import Path

import pytest

from stages.ingest.adapters import load
from stages.keywords.checks import warnings
from stages.keywords.files import from_yaml
from stages.labels.words import in_words
from stages.vlm.constraint import found

LISTS = Path(__file__).parents[2] / "stages" / "keywords" / "lists"
CASES = [("home", "smarthome"), ("weizmann", "weizmann"), ("ut_interaction", "ut_interaction")]
#: Words that are no keyword's business and hid one in an earlier wording.
HIDING = [
    "bread",
    "spills",
    "cleaning",
    "pillow",
    "chocolate",
    "candle",
    "potato",
    "clothes",
    "flowers",
    "white",
    "trunk",
    "elbow",
    "napkin",
    "cupboard",
    "center",
    "surprised",
    "seated",
    "shop",
    "embracing",
]


@pytest.mark.parametrize(("name", "adapter"), CASES)
def test_every_class_has_a_list_and_nothing_is_doubtful(name, adapter):
    lists = from_yaml(LISTS / f"{name}.yaml", 1)
    assert set(lists) == load(adapter).classes
    assert warnings(lists, shared_by=4) == []


@pytest.mark.parametrize(("name", "adapter"), CASES)
def test_a_class_named_in_words_holds_a_keyword_of_its_own(name, adapter):
    lists = from_yaml(LISTS / f"{name}.yaml", 1)
    assert [label for label, words in lists.items() if not found(in_words(label), words)] == []


@pytest.mark.parametrize("word", HIDING)
def test_no_keyword_hides_in_a_word_that_means_something_else(word):
    meant = {"bread": {"Cutbread"}, "cleaning": {"Cook_Cleanup"}, "chocolate": {"Eat_Snack"}, "embracing": {"hug"}}
    for name, _ in CASES:
        hit = {label for label, words in from_yaml(LISTS / f"{name}.yaml", 1).items() if found(word, words)}
        assert hit <= meant.get(word, set())
