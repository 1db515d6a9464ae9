"""A model of this machine held by the workers of a Ray cluster: what one process answers, they do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from stages.journal.store import Journal
from stages.vlm import clustered
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Request
from stages.vlm.clustered import Clustered
from stages.vlm.load import load
from stages.vlm.local import Local
from tests.vlm.given import media, params

pytest.importorskip("ray")
pytestmark = pytest.mark.slow
DEADLY = "say nothing"


def asked(count: int) -> list[Request]:
    return [Request(f"Describe {'again ' * (seed % 3)}", media("images", 1, seed)) for seed in range(count)]


def exits(*given: object) -> Callable[[list[Request]], Iterator[object]]:
    """Return a back end whose process ends at one question."""
    answer = Local(*given).answer  # type: ignore[arg-type]

    def work(requests: list[Request]) -> Iterator[object]:
        for request in requests:
            if request.prompt == DEADLY:
                os._exit(1)
            yield from answer([request])

    return work


def test_workers_answer_as_one_process_does(two_workers: None, tiny_model: Callable[[str], Path]) -> None:
    model = params(tiny_model("smolvlm"))
    backend = load(model, "tiny")
    assert isinstance(backend, Clustered)
    requests = asked(14)
    found = {id(request): answer for request, answer in backend.answer(requests)}
    alone = {id(request): answer for request, answer in Local(model, "cpu", 3, 1).answer(requests)}
    assert found == alone
    assert backend.shape() == Local(model).shape()  # no journal key says where it ran


def test_a_question_that_ends_its_worker_is_an_error_and_the_others_are_answered(
    two_workers: None, tiny_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clustered, "_answers", exits)
    requests = asked(8)
    requests.insert(4, Request(DEADLY, media("images", 1, 99)))
    backend, tally = load(params(tiny_model("smolvlm")), "tiny"), Tally()
    with Journal("infer") as journal:
        answers = [answer for _, answer in ask_all(backend, requests, journal, tally=tally)]
        assert len(journal) == 8
    assert [answer.status for answer in answers] == ["ok"] * 4 + ["error"] + ["ok"] * 4
    assert answers[4].detail == "the process that worked on it died, 2 times"
    assert (tally.computed, tally.errors) == (9, 1)


def test_a_model_that_does_not_load_is_said_once(two_workers: None, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/config.json").write_text("{}")
    with pytest.raises(Exception, match="empty"):
        list(partial(Clustered, params(tmp_path / "empty"), "cpu", 3, 1)().answer(asked(2)))
