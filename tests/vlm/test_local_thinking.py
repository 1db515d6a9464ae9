"""The local back end with models that think, and with answers that are cut: what is answered, thought and why it ended."""

from pathlib import Path

import pytest

from stages.vlm.base import Answer, Request
from stages.vlm.constraint import found
from stages.vlm.local import Local
from tests.vlm.given import params
from tests.vlm.scripted import save

IS_IT = Request("Is it so?", options=("Yes", "No"))


def said(folder: Path, request: Request, room: int = 40, **differs: object) -> Answer:
    [(_, answer)] = Local(params(folder, max_new_tokens=room, **differs), "cpu").answer([request])
    return answer


@pytest.mark.parametrize("special", [(), ("[THINK]", "[/THINK]")], ids=["plain tags", "special tokens"])
def test_a_yes_behind_thinking(tmp_path: Path, special: tuple[str, ...]) -> None:
    tags = special or ("<think>", "</think>")
    text = f"{tags[0]}man by chair?{tags[1]}Yes" if special else "<think>man by chair?</thinking>Yes"
    own = {} if special else {"thinking": [["<think>", "</thinking>"]]}  # </think> would repeat tokens of <think>
    answer = said(save(tmp_path, text, *special), IS_IT, **own)
    assert (answer.text, answer.thinking, answer.ended) == ("Yes", "man by chair?", "stop")
    assert 0 < (answer.tokens_thinking or 0) < (answer.tokens_out or 0)
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
    folder = save(tmp_path, "[THINK]a cup of tea?[/THINK]Walk", "[THINK]", "[/THINK]")
    for room in (40, 9):  # with little room it is still thinking where the word must come
        answer = said(folder, Request("Describe", must_hold=("cup", "tea")), room=room)
        assert answer.status == "ok", answer
        assert found(answer.text, ("cup", "tea"))


def test_a_required_word_within_another_is_the_word(tmp_path: Path) -> None:
    """The rule is the paper's: `reclin` stands in reclining, and nothing is written behind it."""
    folder = save(tmp_path, "A man reclining")
    answer = said(folder, Request("Describe", must_hold=("reclin",)))
    assert answer.text == "A man reclining"
