import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stages.base.errors import GateError
from stages.keywords.asking import PROMPTS, from_model, parse
from stages.labels.words import in_words
from stages.vlm.base import Answer
from stages.vlm.prompts import Prompt

CLASSES = ["Walk", "Cook_Stir", "Enter"]
WORDS = {label: in_words(label) for label in CLASSES}


class Lister:
    """A model that knows a list for each class by its words; anything else it answers with `otherwise`."""

    revision = "lister-1"
    samples = False

    def __init__(self, lists, otherwise=None):
        self.lists, self.otherwise, self.asked = lists, otherwise or Answer("I cannot say."), 0

    def shape(self):
        return {"lister": 1}

    def answer(self, requests):
        for request in reversed(requests):
            self.asked += 1
            known = [words for label, words in self.lists.items() if f": {in_words(label)}. " in request.prompt]
            yield request, Answer(json.dumps(known[0])) if known else self.otherwise


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=40).filter(lambda word: word.strip() == word), min_size=1, max_size=8))
def test_a_list_comes_back_without_repeats(words):
    expected = list(dict.fromkeys(words))
    assert parse(json.dumps(words), 4) == expected
    assert parse(f"```json\n{json.dumps(words)}\n```\n", 4) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "stir, pot",
        "1. stir\n2. pot",
        'Here you are: ["stir"]',
        '["stir"',
        "[]",
        '{"a": 1}',
        '["stir", 1]',
        '[""]',
        json.dumps(["x"] * 9),
        json.dumps(["a sentence that goes on and on and on and on"]),
        "[" * 100_000,
    ],
)
def test_anything_else_is_not_taken(text):
    assert parse(text, 4) is None


def test_each_class_is_asked_once_and_never_again():
    lists = {label: [label.lower(), "x"] for label in CLASSES}
    model, prompt = Lister(lists), Prompt(PROMPTS, "list")
    assert from_model(model, prompt, 5, WORDS) == (lists, 0)
    assert from_model(model, prompt, 5, WORDS) == (lists, 3)
    assert model.asked == 3


@pytest.mark.parametrize("otherwise", [Answer("I cannot say."), Answer("", "refused", "filtered")])
def test_a_class_without_a_list_stops_the_stage_and_is_named(otherwise):
    model = Lister({"Walk": ["walk"]}, otherwise)
    with pytest.raises(GateError, match=r"2 of 3 classes.*\n  Cook_Stir: .*\n  Enter: "):
        from_model(model, Prompt(PROMPTS, "list"), 5, WORDS)


def test_a_list_that_was_cut_says_so():
    model = Lister({"Walk": ["walk"]}, Answer('["stir", "po', tokens_out=6, ended="length"))
    with pytest.raises(GateError, match="cut after 6 tokens: raise `max_new_tokens`"):
        from_model(model, Prompt(PROMPTS, "list"), 5, WORDS)
