"""A model of this machine held by the workers of a Ray cluster: what one process answers, they do."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.base.paths import Run
from stages.vlm import clustered
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Answer, Request, Unopened
from stages.vlm.clustered import Clustered
from stages.vlm.load import load
from stages.vlm.local import Local
from stages.vlm.show import Show
from tests.small_run import write_run
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


def loads(*given: Any) -> Callable[[list[Request]], Iterator[object]]:
    """Return a back end that notes its process where it is made."""
    with Path("loads.log").open("a") as log:
        log.write(f"{os.getpid()}\n")
    return Local(*given).answer  # type: ignore[return-value]


def by_prompt(backend: Any, requests: list[Request]) -> list[tuple[str, Answer]]:
    return sorted((request.prompt, answer) for request, answer in backend.answer(requests))


def test_a_model_is_loaded_once_a_worker_and_again_where_one_was_lost(
    two_workers: None, tiny_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clustered, "_answers", loads)
    model = params(tiny_model("smolvlm"))
    backend, requests = load(model, "tiny"), [Request(f"Describe {number}") for number in range(12)]
    alone = by_prompt(Local(model, "cpu", 3, 1), requests)
    log = Path("loads.log")
    for _ in range(3):
        assert by_prompt(backend, requests) == alone
    made = log.read_text().split()
    assert 1 <= len(made) == len(set(made)) <= 2  # one that starts late may find nothing to do

    os.kill(int(made[0]), signal.SIGKILL)
    assert by_prompt(backend, requests[:1]) == alone[:1]  # a lost worker is no try of the one question
    for _ in range(2):
        assert by_prompt(backend, requests) == alone
    again = log.read_text().split()
    assert len(made) < len(again) == len(set(again)) <= 3


def test_questions_carry_where_their_media_are_and_workers_open_them(
    two_workers: None, tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    write_run(tmp_path, clips=9)
    model = params(tiny_model("smolvlm"))
    here, there = Show(Run("home"), model), Show(Run("home"), model, unopened=True)
    (read,), (told,) = here.windows(here.labels), there.windows(there.labels)
    assert [(one.clip_id, one.media and one.media.digest) for one in told] == [
        (one.clip_id, one.media and one.media.digest) for one in read
    ]
    plain = [Request(f"Describe {one.clip_id}", one.media) for one in read]
    sent = [Request(f"Describe {one.clip_id}", one.media) for one in told]
    assert max(len(pickle.dumps(request)) for request in sent) < 1000 < min(len(pickle.dumps(one)) for one in plain)
    assert by_prompt(load(model, "tiny"), sent) == by_prompt(Local(model, "cpu", 3, 1), plain)


def test_media_that_are_gone_or_changed_when_a_worker_opens_them_are_errors_of_their_questions(
    two_workers: None, tiny_model: Callable[[str], Path], tmp_path: Path
) -> None:
    run = write_run(tmp_path, clips=3)
    model = params(tiny_model("smolvlm"))
    show = Show(run, model, unopened=True)
    first = show.media("clip00000")
    assert isinstance(first, Unopened)
    backend, seen = load(model, "tiny"), Request("seen", media("images", 1, 0))
    shard = run.keyframes / "part-0000.parquet"
    shard.rename(shard.with_suffix(".away"))
    ((_, lost), (_, fine)) = by_prompt(backend, [Request("lost", first), seen])
    assert (lost.status, lost.detail) == ("error", f"{shard}: the shard is missing")
    assert fine.status == "ok"
    with pytest.raises(InputError, match=f"{shard}: the shard is missing"):
        list(show.windows(show.labels))

    shard.with_suffix(".away").rename(shard)
    requests = [Request("changed", replace(first, digest="0" * 32)), Request("found", first), seen]
    ((_, changed), *others) = by_prompt(backend, requests)
    assert (changed.status, [answer.status for _, answer in others]) == ("error", ["ok", "ok"])
    assert changed.detail is not None
    assert "clip00000" in changed.detail
    assert "changed while it was asked about" in changed.detail


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
