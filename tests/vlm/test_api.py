"""The api back end against a real HTTP server on loopback that behaves as servers do on bad days."""

import base64
import io
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.vlm.api import Api
from stages.vlm.ask import ask_all
from stages.vlm.base import Answer, Media, Request, request_key
from tests.vlm.fake_server import Hang, Said, Server, failure, reply, written
from tests.vlm.given import api_params, media

pytest.importorskip("openai", reason="needs the extra `api`")

KEY = "sk-very-secret-0123456789"


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server().start()
    yield running
    running.shutdown()


def asked(
    server: Server,
    *script: Any,
    request: Request | None = None,
    tries: int = 3,
    seconds: float = 60.0,
    **differs: Any,
) -> Any:
    server.script = list(script)
    backend = Api(api_params(**differs), server.address, tries=tries, seconds=seconds)
    [(_, answer)] = backend.answer([request or Request("Describe")])
    return answer


def test_an_answer_with_its_tokens(server: Server) -> None:
    answer = asked(server, reply(" A man sits. "))
    assert answer == Answer("A man sits.", "ok", None, 11, 5, None, "stop")


def test_images_system_prompt_and_params_are_in_the_request(server: Server) -> None:
    shown = media("images", 2, 0)
    request = Request("Describe", shown, system="Be brief", repeat=2)
    asked(server, reply("yes"), request=request, detail="low")
    [body] = server.seen
    assert {k: body[k] for k in ("model", "max_tokens", "temperature", "seed")} == {
        "model": "some-model",
        "max_tokens": 8,
        "temperature": 0,
        "seed": 5,
    }
    system, user = body["messages"]
    assert system == {"role": "system", "content": "Be brief"}
    *images, text = user["content"]
    assert text == {"type": "text", "text": "Describe"}
    for part, frame in zip(images, shown.frames, strict=True):
        assert part["image_url"]["detail"] == "low"
        head, _, data = part["image_url"]["url"].partition(",")
        assert head == "data:image/png;base64"
        assert (np.asarray(PilImage.open(io.BytesIO(base64.b64decode(data)))) == frame).all()


def test_images_shrink_to_a_side_and_may_be_jpeg(server: Server) -> None:
    shown = Media("images", [np.zeros((300, 600, 3), np.uint8)])
    asked(server, reply("yes"), request=Request("Describe", shown), image_side=100, image_format="jpeg")
    data = server.seen[0]["messages"][0]["content"][0]["image_url"]["url"].partition(",")[2]
    assert PilImage.open(io.BytesIO(base64.b64decode(data))).size == (100, 50)


@pytest.mark.parametrize("first", [failure(429), failure(500), failure(503), failure(408), Hang(0.0)])
def test_what_passes_is_tried_again(server: Server, first: Any) -> None:
    answer = asked(server, first, reply("yes"))
    assert (answer.text, answer.status, len(server.seen)) == ("yes", "ok", 2)


@pytest.mark.parametrize(
    ("said", "status", "detail"),
    [
        (failure(429, "slow down"), "error", "HTTP 429: .*slow down, after 3 tries"),
        (failure(500, "oops"), "error", "HTTP 500: .*oops, after 3 tries"),
        (failure(400, "maximum context length is 8192 tokens", "context_length_exceeded"), "error", "context length"),
        (failure(400, "flagged", "content_filter"), "refused", "content_filter"),
        (Said(200, ""), "error", "no text|garbage"),
        (Said(200, "<html>a proxy's page</html>"), "error", "garbage"),
        (Said(200, "{}"), "error", "garbage"),
        (Said(200, "[1, 2]"), "error", "garbage"),
        (Said(200, '{"choices": []}'), "error", "garbage"),
        (Said(200, "[" * 100_000), "error", "garbage"),
        (Said(200, '{"choices": [{"message": null}]}'), "error", "garbage"),
        (reply(""), "error", "no text"),
        (reply(None), "error", "no text"),
        (reply(None, refusal="I cannot help with that"), "refused", "I cannot help"),
        (reply("", finish="content_filter"), "refused", "content filter"),
        (Hang(1.0), "error", "no reply within 0.3 s, 2 times"),
    ],
)
def test_what_is_no_answer_is_said_so(server: Server, said: Any, status: str, detail: str) -> None:
    answer = asked(server, said, seconds=0.3 if isinstance(said, Hang) else 60.0)
    assert answer.status == status
    assert re.search(detail, answer.detail), answer.detail


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (failure(401, f"Incorrect API key provided: {KEY}"), "refuses the key"),
        (failure(404, "no such model"), "knows no model"),
        (failure(429, "pay first", "insufficient_quota"), "quota"),
    ],
)
def test_what_no_request_survives_ends_the_run(
    server: Server, monkeypatch: pytest.MonkeyPatch, said: Any, expected: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(InputError, match=expected) as raised:
        asked(server, said, key="OPENAI_API_KEY")
    assert KEY not in str(raised.value)
    assert raised.value.__suppress_context__


def test_no_server_ends_the_run() -> None:
    backend = Api(api_params(), "http://127.0.0.1:9/v1", tries=2)
    with pytest.raises(InputError, match="cannot be reached"):
        list(backend.answer([Request("Describe")]))


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path))
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("OPENAI_LOG", "debug")
    server.script = [reply(f"you sent {KEY}", finish="content_filter", refusal=f"no, {KEY}"), reply("yes")]
    backend = Api(api_params(key="MY_KEY"), server.address, concurrency=1)
    with caplog.at_level("DEBUG"), Journal("api") as journal:
        answers = list(ask_all(backend, [Request("a"), Request("b")], journal))
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert "[key]" in answers[0][1].detail
    assert KEY not in f"{backend.shape()} {backend!r} {caplog.text} {answers}"
    assert all(KEY.encode() not in path.read_bytes() for path in tmp_path.rglob("*.jsonl"))


def test_a_key_of_the_environment_is_not_sent_where_the_block_names_none(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    asked(server, reply("yes"))
    assert KEY not in server.headers[0]["authorization"]


def test_what_a_user_can_get_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(InputError, match="NO_SUCH_KEY"):
        Api(api_params(key="NO_SUCH_KEY", engine="openai"), None)
    with pytest.raises(InputError, match="no address"):
        Api(api_params(engine="vllm 0.12"), None)
    with pytest.raises(ValueError, match="environment variable"):
        api_params(key=KEY)
    Api(api_params(key="NO_SUCH_KEY"), "http://localhost:8000/v1")  # a server of one's own asks for none
    with pytest.raises(InputError, match="no video"):
        list(Api(api_params(), "http://127.0.0.1:9/v1").answer([Request("Describe", media("video", 2, 0))]))


def test_at_most_so_many_requests_are_under_way_and_all_are_answered(server: Server) -> None:
    def said(body: Any) -> Said:
        time.sleep(0.02)
        return reply(body["messages"][0]["content"][::-1])

    server.script = [said]
    backend = Api(api_params(), server.address, concurrency=4)
    answers = {request.prompt: answer.text for request, answer in backend.answer(Request(f"q{i}") for i in range(40))}
    assert answers == {f"q{i}": f"q{i}"[::-1] for i in range(40)}
    assert 1 < server.most <= 4


def test_probabilities_come_from_the_likeliest_first_tokens(server: Server) -> None:
    tops = [("True", -0.2), (" False", -2.0), ("T", -3.0), ("The", -3.5)]
    logprobs = written(tops)
    request = Request("Is it?", options=("True", "False"))
    p = asked(server, reply("True", logprobs=logprobs), request=request).p
    yes, no = np.exp(-0.2) + np.exp(-3.0), np.exp(-2.0)
    assert p == pytest.approx({"True": yes / (yes + no), "False": no / (yes + no)})
    assert server.seen[0]["top_logprobs"] == 20
    assert asked(server, reply("True"), request=request).p is None
    for odd in (float("nan"), 5.0, None):
        assert asked(server, reply("True", logprobs=written([("True", odd)])), request=request).p is None


def test_a_required_word(server: Server) -> None:
    request = Request("Describe", must_hold=("drinking tea", "cup"))
    assert asked(server, reply("He holds a cup."), request=request).status == "ok"
    assert asked(server, reply("He holds cups."), request=request).status == "ok"  # as the metric has it
    assert asked(server, reply("He holds a mug."), request=request).status == "error"
    assert "structured_outputs" not in server.seen[-1]
    asked(server, reply("a cup"), request=request, constrain="structured_outputs")
    assert "drinking\\ tea|cup" in server.seen[-1]["structured_outputs"]["regex"]


def test_a_repeat_is_a_sample_of_its_own(server: Server) -> None:
    backend = Api(api_params(), server.address)
    assert request_key(backend, Request("a")) != request_key(backend, Request("a", repeat=1))
    elsewhere = Api(api_params(key="OTHER"), "http://localhost:1/v1")
    assert request_key(backend, Request("a")) == request_key(elsewhere, Request("a"))
