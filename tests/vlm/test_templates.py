"""Chat templates of strangers: what one refuses is a row, what is none or has no end ends the run with a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.base.errors import InputError
from stages.vlm import chat
from stages.vlm.base import Answer, Request
from stages.vlm.local import Local
from tests.vlm.given import params

Tiny = Callable[[str], Path]


@pytest.fixture
def asked(tiny_model: Tiny, tmp_path: Path) -> Callable[[str], Answer]:
    """Return a function from a chat template to what the model with it answers."""

    def ask(template: str) -> Answer:
        folder = tmp_path / "model"
        shutil.copytree(tiny_model("llama"), folder)
        (folder / "chat_template.jinja").write_text(template)
        ((_, answer),) = Local(params(folder), "cpu").answer([Request("Is it so?")])
        return answer

    return ask


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{{ raise_exception('only two turns') }}", "only two turns"),
        ("{{ messages[0].content.nothing.more }}", "nothing"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ messages + 1 }}", "concatenate"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}", "recursion"),
    ],
)
def test_a_template_that_refuses_is_an_error_answer(asked: Callable[[str], Answer], template: str, why: str) -> None:
    answer = asked(template)
    assert answer.status == "error"
    assert "the model's chat template refuses it: " in (answer.detail or "")
    assert why in (answer.detail or "")


def test_a_template_that_is_none_is_told(asked: Callable[[str], Answer]) -> None:
    with pytest.raises(InputError, match="the model's chat template is none"):
        asked("{% for message in %}")


def test_a_template_without_end_is_told(asked: Callable[[str], Answer], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "SECONDS", 1)
    loops = "".join("{% for " + name + " in range(99999) %}" for name in "abc") + "{% endfor %}" * 3
    with pytest.raises(InputError, match="has not come to an end after 1 s"):
        asked(loops)
