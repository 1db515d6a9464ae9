"""Thinking is taken out of an answer, whatever tags it has, and in one place."""

import pytest
from pydantic import ValidationError

from stages.vlm.thinking import TAGS, opened, part
from tests.vlm.given import api_params, params


@pytest.mark.parametrize(
    ("text", "answer", "thinking", "still"),
    [
        ("drinking from a cup", "drinking from a cup", None, None),
        (" Yes\n", "Yes", None, None),
        ("<think>walking? a can?</think>drinking from a cup", "drinking from a cup", "walking? a can?", None),
        ("<think>\nA man.\n</think>\n\nYes", "Yes", "A man.", None),
        ("<THINK>A man.</Think>Yes", "Yes", "A man.", None),
        ("<thinking>No. Or yes?</thinking> No", "No", "No. Or yes?", None),
        ("[THINK]cooking[/THINK]Yes", "Yes", "cooking", None),
        ("◁think▷cooking◁/think▷Yes", "Yes", "cooking", None),
        (
            "<|channel|>analysis<|message|>No?<|end|><|start|>assistant<|channel|>final<|message|>Yes",
            "Yes",
            "No?<|end|><|start|>assistant",
            None,
        ),
        # nothing closes it: all behind it is thinking
        ("<think>Yes, a man is coo", "", "Yes, a man is coo", "</think>"),
        ("Well. <think>Yes, a man", "Well.", "Yes, a man", "</think>"),
        # the prompt's end opened it
        ("Is it a can? Yes.\n</think>\n\nNo", "No", "Is it a can? Yes.", None),
        ("a<think>b<think>c</think>d</think>Yes", "Yes", "b<think>c\n\na\n\nd", None),
        # several
        ("<think>a</think>Yes<think>b</think>.", "Yes .", "a\n\nb", None),
        # another pair's tag is text within it
        ("<think>they write </thinking>, yes</think>No", "No", "they write </thinking>, yes", None),
        # models that may think, and did not
        ("<think>\n\n</think>\n\nYes", "Yes", None, None),
        ("<think></think>", "", None, None),
    ],
)
def test_thinking_and_answer(text: str, answer: str, thinking: str | None, still: str | None) -> None:
    found = part(text, TAGS)
    assert (found.answer, found.open) == (answer, still)
    assert (found.thinking or "").split() == (thinking or "").split()


def test_an_answer_that_begins_within_the_thinking() -> None:
    """A template that opens it, as Qwen's and DeepSeek's do: a cut answer then has no tag at all."""
    assert part("Is it a can? Yes, it", TAGS, "</think>")[:3] == ("", "Is it a can? Yes, it", "</think>")
    assert part("Is it?</think>No", TAGS, "</think>")[:2] == ("No", "Is it?")
    assert part("Is it a can? Yes, it", [("", "</think>")])[:3] == ("", "Is it a can? Yes, it", "</think>")
    assert part("Is it?</think>No", [("", "</think>")])[:2] == ("No", "Is it?")
    assert opened("<|user|>Is it?<|assistant|><think>\n", TAGS) == "</think>"
    assert opened("<|user|>Is it?<|assistant|><think>\n\n</think>\n\n", TAGS) is None
    assert opened("<|user|>Is it?<|assistant|>", TAGS) is None


def test_tags_are_a_param_of_the_model() -> None:
    own = params("x", thinking=[["<why>", "</why>"]]).thinking
    assert part("<why>No?</why>Yes", own).answer == "Yes"
    assert part("<think>No?</think>Yes", own).answer == "<think>No?</think>Yes"
    assert part("<think>No?</think>Yes", params("x", thinking=[]).thinking).answer == "<think>No?</think>Yes"
    assert params("x").thinking == api_params().thinking == TAGS
    with pytest.raises(ValidationError, match="without a closing one"):
        params("x", thinking=[["<think>", ""]])
