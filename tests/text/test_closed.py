import pytest

from stages.text.closed import option
from stages.vlm.constraint import found

YES_NO = ("Yes", "No")


@pytest.mark.parametrize(
    "text",
    ["Yes", "yes.", " YES ", "**Yes**", '"Yes"', "Yes, the person is cooking.", "Answer: Yes", "The\n", "Yes\n\nNo"],
)
def test_an_answer_that_opens_with_an_option(text):
    assert option(text, YES_NO) == (None if text == "The\n" else "Yes")


@pytest.mark.parametrize(
    "text",
    ["", "No one is in the room", "Yes and no", "Nothing", "It is not true", "There is no person.", "Yesterday", "Y"],
)
def test_a_sentence_is_never_taken_for_a_no(text):
    assert option(text, YES_NO) is None


@pytest.mark.parametrize(("text", "says"), [("True", "True"), ("false!", "False"), ("Answer is **True**", "True")])
def test_true_and_false(text, says):
    assert option(text, ("True", "False")) == says


def test_keywords_are_substrings_case_as_it_is():
    assert found("A seated person starts Cooking", ["cook", "eat", "seat", "eat"]) == ["eat", "seat"]
