"""The local back end with models that think, and with answers that are cut: answer, thinking, why it ended."""

from pathlib import Path

import pytest

from stages.vlm.base import Answer, Request
from stages.vlm.local import Local
from tests.vlm.given import params
from tests.vlm.scripted import save

IS_IT = Request("Is it so?", options=("Yes", "No"))


def said(folder: Path, request: Request, room: int = 40, **differs: object) -> Answer:
    [(_, answer)] = Local(params(folder, max_new_tokens=room, **differs), "cpu").answer([request])
    return answer


@pytest.mark.parametrize(
    ("tags", "special"), [(("<think>", "</think>"), False), (("[THINK]", "[/THINK]"), True)], ids=["Qwen", "Magistral"]
)
def test_a_yes_behind_thinking(tmp_path: Path, tags: tuple[str, str], special: bool) -> None:
    answer = said(save(tmp_path, f"{tags[0]}man by chair?{tags[1]}Yes", *tags, special=special), IS_IT)
    assert (answer.text, answer.thinking, answer.ended) == ("Yes", "man by chair?", "stop")
    assert (answer.tokens_thinking, answer.tokens_out) == (7, 9)
    assert answer.p is None
    assert "thought before it answered" in (answer.detail or "")


def test_thinking_that_the_template_opens(tmp_path: Path) -> None:
    folder = save(tmp_path, "man by chair?[/THINK]Yes", "[THINK]", "[/THINK]", opens="[THINK]")
    whole, cut = said(folder, IS_IT), said(folder, IS_IT, room=3)
    assert (whole.text, whole.thinking) == ("Yes", "man by chair?")
    assert (cut.text, cut.ended, cut.tokens_thinking) == ("", "length", 3)
    assert cut.thinking is not None


def test_why_an_answer_ended(tmp_path: Path) -> None:
    folder = save(tmp_path, "A man by chair")
    whole, cut = said(folder, Request("Describe")), said(folder, Request("Describe"), room=2)
    assert (whole.text, whole.ended, whole.cut) == ("A man by chair", "stop", False)
    assert (cut.ended, cut.cut, cut.tokens_out) == ("length", True, 2)


def test_a_required_word_stands_in_the_answer_and_not_in_the_thinking(tmp_path: Path) -> None:
    folder = save(tmp_path, "[THINK]a book[/THINK]Yes", "[THINK]", "[/THINK]")
    # With room for two more tokens it has thought of a book and said nothing.
    answer = said(folder, Request("Describe", must_hold=("book",)), room=5)
    assert (answer.status, answer.text, answer.thinking) == ("ok", "book", "a book")


def test_a_required_word_within_another_is_the_word(tmp_path: Path) -> None:
    """The rule is the paper's: `reclin` stands in reclining, and nothing is written behind it."""
    folder = save(tmp_path, "A man reclining")
    answer = said(folder, Request("Describe", must_hold=("reclin",)))
    assert answer.text == "A man reclining"
