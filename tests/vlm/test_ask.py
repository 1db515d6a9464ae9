"""Asking through the journal: nothing twice, errors again, requests drawn as they are needed."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from stages.base.journal.store import Journal
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Answer, Request
from stages.vlm.load import load
from stages.vlm.local import Local
from tests.vlm.given import media, params


class Speller:
    """A model that spells the prompt backwards; it cannot answer what begins with `hard` while `down`."""

    revision, samples = "1", False

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down = True

    def shape(self) -> dict[str, Any]:
        return {"backend": "speller"}

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        for request in reversed(requests):
            self.asked.append(request.prompt)
            if request.prompt.startswith("hard") and self.down:
                yield request, Answer("", "error", "no answer after 5 tries")
            else:
                yield request, Answer(request.prompt[::-1], tokens_in=2, tokens_out=3)


def test_answers_come_in_the_order_of_the_requests_and_nothing_is_asked_twice() -> None:
    backend, prompts = Speller(), ["ab", "cd", "ab", "ef", "gh", "cd"]
    with Journal("room") as journal:
        first = Tally()
        answers = list(ask_all(backend, map(Request, prompts), journal, tally=first, window=4))
    assert [answer.text for _, answer in answers] == [prompt[::-1] for prompt in prompts]
    assert sorted(backend.asked) == ["ab", "cd", "ef", "gh"]
    assert (first.asked, first.computed, first.tokens_in, first.tokens_out) == (6, 4, 8, 12)
    with Journal("room") as journal:
        again = Tally()
        grown = [*prompts, "ij"]
        assert list(ask_all(backend, map(Request, grown), journal, tally=again))[:6] == answers
    assert (again.asked, again.computed) == (7, 1)


def test_an_error_is_given_back_and_asked_again_by_the_next_run() -> None:
    backend, prompts, steps = Speller(), ["ab", "hard one", "hard one"], []
    with Journal("room") as journal:
        first = Tally()
        answers = [answer for _, answer in ask_all(backend, map(Request, prompts), journal, steps.append, first)]
    assert [answer.status for answer in answers] == ["ok", "error", "error"]
    assert (first.errors, sum(steps)) == (1, 3)
    backend.down = False
    with Journal("room") as journal:
        answers = [answer for _, answer in ask_all(backend, map(Request, prompts), journal)]
    assert [answer.status for answer in answers] == ["ok", "ok", "ok"]
    assert backend.asked.count("ab") == 1


def test_requests_are_drawn_a_window_at_a_time() -> None:
    drawn = 0

    def requests() -> Iterator[Request]:
        nonlocal drawn
        for number in range(100):
            drawn += 1
            yield Request(f"{number}")

    with Journal("room") as journal:
        next(ask_all(Speller(), requests(), journal, window=10))
    assert drawn == 10


def test_a_run_that_dies_goes_on_where_it_stopped(tiny_model: Callable[[str], Path]) -> None:
    requests = [Request("Describe", media("images", 1, seed), options=("True", "False")) for seed in range(8)]
    block = params(tiny_model("smolvlm"))
    whole = [answer for _, answer in Local(block, "cpu").answer(requests)]
    with Journal("room") as journal:
        for count, _ in enumerate(ask_all(load(block, "tiny"), requests, journal, window=1), 1):
            if count == 3:
                break
    with Journal("room") as journal:
        tally = Tally()
        answers = [answer for _, answer in ask_all(load(block, "tiny"), requests, journal, tally=tally)]
    assert tally.computed == 5
    assert answers == whole


@pytest.mark.parametrize("text", ["", "�\x00\n\"'", "日本"])
def test_any_text_comes_back_from_the_journal_as_it_was(text: str) -> None:
    with Journal("room") as journal:
        [(_, answer)] = ask_all(Speller(), [Request(text)], journal)
        [(_, again)] = ask_all(Speller(), [Request(text)], journal)
    assert answer == again == Answer(text[::-1], tokens_in=2, tokens_out=3)
