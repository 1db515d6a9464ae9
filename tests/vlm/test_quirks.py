"""What servers do to a right answer, by a fake one on loopback: none of it becomes another number in silence."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages.base.errors import InputError
from stages.base.journal.store import Journal, root
from stages.base.schema import PREDICTIONS
from stages.base.tables import write_table
from stages.infer.outcome import asked_each, described, listed
from stages.vlm.api import Api
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Answer, Request
from tests.vlm.fake_server import Hang, Said, Server, failure, reply, written
from tests.vlm.given import api_params

pytest.importorskip("openai", reason="needs the extra `api`")

KEY = "sk-very-secret-0123456789"
WORDS = {
    "Drink_Fromcan": "drinking from a can",
    "Drink_Fromcup": "drinking from a cup",
    "Drink_Frombottle": "drinking from a bottle",
    "Walk": "walking",
}
LIST = Request("Which?", options=tuple(WORDS.values()))
IS_IT = Request("Is it?", options=("Yes", "No"))


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server().start()
    yield running
    running.shutdown()


def api(server: Server, *script: Any, seconds: float = 60.0, **differs: Any) -> Api:
    server.script = list(script)
    more = {name: differs.pop(name) for name in ("concurrency", "tries", "wait_seconds") if name in differs}
    return Api(api_params(**differs), server.address, seconds=seconds, **({"tries": 3} | more))


def one(server: Server, request: Request, *script: Any, **differs: Any) -> Answer:
    [(_, answer)] = api(server, *script, **differs).answer([request])
    return answer


# --- 2. a right answer is not scored as another class


def test_what_the_model_wrote_is_the_answer_where_options_share_a_first_token(server: Server) -> None:
    """Mass on `drinking` is three classes'; what is left of it must not make a Walk of it."""
    tops = written([("drinking", -0.05), ("walking", -3.5), (" Walking", -5.0)], [(" from", -0.01)])
    answer = one(server, LIST, reply("drinking from a cup", logprobs=tops))
    outcome = listed(answer, WORDS, many=False)
    assert (outcome.labels, outcome.status, outcome.class_scores) == (["Drink_Fromcup"], "ok", None)


def test_shares_are_scores_where_every_option_has_one(server: Server) -> None:
    tops = [("cook", -0.2), (" walk", -2.0), ("get", -3.0), ("A", -9.0)]
    request = Request("Which?", options=("cooking", "getting up", "walking"))
    p = one(server, request, reply("cooking", logprobs=written(tops))).p
    assert p is not None
    assert sum(p.values()) == pytest.approx(1)
    assert max(p, key=lambda option: p[option]) == "cooking"
    # One of them is not among the likeliest, and need not be rare.
    assert one(server, request, reply("cooking", logprobs=written([("cook", -0.2), (" walk", -2.0)]))).p is None


# --- 3. thinking


@pytest.mark.parametrize(
    "said",
    [
        reply("<think>walking? drinking from a can?</think>drinking from a cup"),
        reply("walking? drinking from a can?</think>drinking from a cup"),
        reply("drinking from a cup", reasoning_content="walking? drinking from a can?"),
        reply("drinking from a cup", reasoning="walking? drinking from a can?"),
        reply(
            [
                {"type": "thinking", "thinking": [{"type": "text", "text": "walking? drinking from a can?"}]},
                {"type": "text", "text": "drinking from a cup"},
            ]
        ),
    ],
    ids=["tags", "closing tag alone", "reasoning_content", "reasoning", "parts"],
)
def test_thinking_is_no_part_of_the_answer(server: Server, said: Said) -> None:
    answer = one(server, LIST, said, logprobs=False)
    assert (answer.text, answer.thinking) == ("drinking from a cup", "walking? drinking from a can?")
    outcome = listed(answer, WORDS, many=True)
    assert (outcome.labels, outcome.thinking) == (["Drink_Fromcup"], answer.thinking)
    assert described(answer).text == "drinking from a cup"


def test_a_yes_behind_thinking_is_a_yes_and_its_tokens_are_counted(server: Server) -> None:
    usage = {"completion_tokens": 40, "completion_tokens_details": {"reasoning_tokens": 38}}
    said = reply("<think>No one is there. Or?</think>\nYes", usage=usage)
    answer = one(server, IS_IT, said, max_new_tokens=64, logprobs=False)
    assert (answer.text, answer.tokens_out, answer.tokens_thinking) == ("Yes", 40, 38)
    assert asked_each({"Cook": answer}, many=True).labels == ["Cook"]


def test_probabilities_are_of_the_answers_first_token_not_of_the_thinkings(server: Server) -> None:
    sure = [("Yes", -0.1), ("No", -2.4), ("Maybe", -9.0)]
    tops = written([("<think>", 0.0)], [("No", -0.01), ("Yes", -5.0)], [("?", 0.0)], [("</think>", 0.0)], sure)
    answer = one(server, IS_IT, reply("<think>No?</think>Yes", logprobs=tops), max_new_tokens=64)
    assert answer.p == pytest.approx({"Yes": 0.909, "No": 0.091}, abs=1e-3)
    assert answer.tokens_thinking == 4


@pytest.mark.parametrize(
    "said",
    [
        reply("<think>Yes, they are walking and", "length"),
        reply(None, "length", reasoning_content="Yes, they are walking and"),
        reply("", "length", usage={"completion_tokens_details": {"reasoning_tokens": 8}}),
    ],
    ids=["unclosed", "apart", "hidden"],
)
def test_an_answer_that_was_cut_while_thinking_is_none(server: Server, said: Said) -> None:
    answer = one(server, LIST, said, logprobs=False)
    assert (answer.text, answer.status, answer.ended) == ("", "ok", "length")
    assert listed(answer, WORDS, many=False)[1:5:3] == (None, "unparsed")
    assert described(answer).status == "unparsed"
    assert asked_each({"Walk": answer}, many=True).status == "unparsed"


# --- 4. cut answers


@pytest.mark.parametrize(
    ("finish", "ended"),
    [("stop", "stop"), ("length", "length"), ("MAX_TOKENS", "length"), ("eos", "stop"), (None, None), ("odd", "odd")],
)
def test_why_an_answer_ended_is_kept(server: Server, finish: str | None, ended: str | None) -> None:
    answer = one(server, Request("Describe"), reply("A man walks to the", finish))
    assert (answer.status, answer.ended, described(answer).ended) == ("ok", ended, ended)


@pytest.mark.parametrize("finish", ["error", "abort"])
def test_what_a_server_broke_off_is_no_answer(server: Server, finish: str) -> None:
    assert one(server, Request("Describe"), reply("A man walks to the", finish)).status == "error"


@pytest.mark.parametrize(
    ("engine", "differs", "field"),
    [
        ("openai", {}, "max_completion_tokens"),
        ("vllm 0.32", {}, "max_tokens"),
        ("llama.cpp b7000", {}, "max_tokens"),
        ("ollama 0.13", {}, "max_tokens"),
        ("vllm 0.32", {"length_field": "max_completion_tokens"}, "max_completion_tokens"),
    ],
)
def test_the_length_is_sent_in_the_field_that_the_server_knows(
    server: Server, engine: str, differs: dict[str, Any], field: str
) -> None:
    one(server, Request("Describe"), reply("yes"), engine=engine, **differs)
    assert [name for name in server.seen[0] if name.startswith("max_")] == [field]
    assert server.seen[0][field] == 8


def test_a_server_that_ignores_the_length_is_found_out(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    answer = one(server, Request("Describe"), reply("A man walks. " * 20, usage={"completion_tokens": 90}))
    assert "longer than asked: 90 tokens, max_new_tokens is 8" in (described(answer).detail or "")
    assert "length_field: max_completion_tokens" in capsys.readouterr().err


def _tokens(*written: tuple[str, list[int]]) -> dict[str, Any]:
    """Log-probabilities of a Yes and of the tokens behind it, each with its bytes."""
    tops = [{"token": token, "logprob": log, "bytes": None} for token, log in (("Yes", -0.1), ("No", -2.4))]
    rest = [{"token": token, "logprob": -1.0, "bytes": raw, "top_logprobs": []} for token, raw in written]
    return {"content": [tops[0] | {"top_logprobs": tops}, *rest]}


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Yes 😀 so", [("\\x20\\xf0\\x9f", [32, 240, 159]), ("\\x98\\x80", [152, 128]), (" so", [32, 115, 111])]),
        ("Yes \ufffd so", [("", []), (" so", [32, 115, 111])]),
    ],
    ids=["OpenAI writes the bytes out", "vLLM writes nothing"],
)
def test_parts_of_a_character_leave_the_shares(server: Server, text: str, rest: list[tuple[str, list[int]]]) -> None:
    """A token that is no whole character is not in the answer as it stands."""
    answer = one(server, IS_IT, reply(text, logprobs=_tokens(*rest)))
    assert (answer.text, answer.detail) == (text, None)
    assert answer.p == pytest.approx({"Yes": 0.909, "No": 0.091}, abs=1e-3)
    # Where the server thought before it, nobody can say where the answer begins, unless its bytes are there.
    answer = one(server, IS_IT, reply(text, logprobs=_tokens(*rest), reasoning_content="Hm."))
    assert (answer.p is None) == ("\ufffd" in text)


@pytest.mark.parametrize("wrong", [{"bytes": 390128098705}, {"bytes": 10**400}, {"top_logprobs": 1}])
def test_numbers_that_are_none_cost_the_shares_and_not_the_run(server: Server, wrong: dict[str, Any]) -> None:
    """A number of bytes where the bytes themselves belong would be so much memory."""
    said = _tokens()
    said["content"][0] |= wrong
    answer = one(server, IS_IT, reply("Yes", logprobs=said))
    assert (answer.text, answer.status) == ("Yes", "ok")
    assert (answer.p is None) == ("bytes" not in wrong)


# --- 5. quirks


def test_log_probabilities_that_do_not_come_are_missed(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    backend = api(server, reply("Yes"))
    answers = [answer for _, answer in backend.answer([IS_IT] * 2)]
    outcome = asked_each(dict(zip(["Cook", "Walk"], answers, strict=True)), many=False)
    assert (outcome.labels, outcome.status) == ([], "unmapped")
    assert "yes to several: Cook, Walk" in (outcome.detail or "")
    assert "2 of 2 answers: no log-probabilities came back" in (outcome.detail or "")
    assert capsys.readouterr().err.count("logprobs: false") == 1


FASTAPI = {
    "detail": [
        {
            "type": "extra_forbidden",
            "loc": ["body", "structured_outputs"],
            "msg": "Extra inputs are not permitted",
            "input": {"temperature": 0, "seed": 3},
        }
    ]
}


@pytest.mark.parametrize(
    ("said", "request_", "key"),
    [
        (
            failure(
                400,
                "Unsupported parameter: 'temperature' is not supported with this model.",
                "unsupported_parameter",
                param="temperature",
            ),
            Request("Describe"),
            "temperature: null",
        ),
        (
            failure(
                400,
                "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value"
                " is supported.",
                "unsupported_value",
            ),
            Request("Describe"),
            "temperature: null",
        ),
        (
            failure(
                400,
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use"
                " 'max_completion_tokens' instead.",
                "unsupported_parameter",
                param="max_tokens",
            ),
            Request("Describe"),
            "length_field: max_completion_tokens",
        ),
        (
            failure(400, 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'),
            Request("Describe"),
            "seed: null",
        ),
        (failure(400, "Unrecognized request argument supplied: logprobs"), IS_IT, "logprobs: false"),
        (failure(400, "`top_logprobs` must be between 0 and 8"), IS_IT, "logprobs: false"),
        (Said(422, json.dumps(FASTAPI)), Request("Describe", must_hold=("cup",)), "constrain: null"),
        (Said(400, json.dumps({"error": "detail is not supported: 'detail'"})), Request("Describe"), "detail: null"),
    ],
)
def test_a_field_that_the_server_does_not_know_stops_at_the_first_request(
    server: Server, said: Said, request_: Request, key: str
) -> None:
    backend = api(server, said, concurrency=8, constrain="structured_outputs")
    with pytest.raises(InputError, match="refuses the field") as raised:
        list(backend.answer([request_] * 40))
    assert key in str(raised.value)
    assert len(server.seen) == 1


def test_what_only_one_request_has_too_much_of_is_its_own_error(server: Server) -> None:
    long = failure(
        400,
        "'max_tokens' is too large: 8. This model's maximum context length is 4096 tokens and your"
        " request has 5000 input tokens.",
    )
    answers = [answer for _, answer in api(server, long, reply("yes")).answer([Request("a"), Request("b")])]
    assert [answer.status for answer in answers] == ["error", "ok"]


def models(**differs: Any) -> dict[str, Any]:
    entry = {"id": "some-model", "object": "model", "owned_by": "vllm", "created": int(time.time()), "root": "/m/a"}
    return {"object": "list", "data": [{"id": "other", "root": "/m/z"}, entry | differs]}


def test_other_weights_behind_a_name_are_told(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    def run() -> str:
        one(server, Request("Describe"), reply("yes"))
        return capsys.readouterr().err

    server.models = models()
    assert run() == run() == ""
    server.models = models(created=int(time.time()) + 5)
    assert run() == ""
    server.models = models(root="/m/b")
    told = run()
    assert "root was '/m/a' and is '/m/b'" in told
    assert "`engine`" in told
    assert run() == ""
    [file] = (root() / "served").iterdir()
    assert json.loads(file.read_text())["model"]["root"] == "/m/b"


def test_another_fingerprint_is_told(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    for fingerprint, told in (("fp_1", False), ("fp_1", False), ("fp_2", True), ("fp_1", False)):
        body = json.loads(reply("yes").text) | {"system_fingerprint": fingerprint}
        one(server, Request("Describe"), Said(200, json.dumps(body)))
        assert ("system_fingerprint was 'fp_1' and is 'fp_2'" in capsys.readouterr().err) == told


# --- faults


def test_html_with_status_200_ends_the_run(server: Server) -> None:
    page = Said(200, "<html>log in here</html>", type="text/html")
    with pytest.raises(InputError, match=r"1\d requests in a row had no answer") as raised:
        list(api(server, page).answer([Request(f"{i}") for i in range(500)]))
    assert "in the journal" in str(raised.value)
    assert len(server.seen) < 10 + 8


def test_a_server_that_closes_every_connection_ends_the_run(server: Server) -> None:
    with pytest.raises(InputError, match="cannot be reached"):
        list(api(server, Hang(0.0), tries=2).answer([Request(f"{i}") for i in range(500)]))
    assert len(server.seen) == 2


def test_a_server_that_goes_away_half_way_ends_the_run_and_what_it_answered_is_kept(server: Server) -> None:
    requests = [Request(f"{i}") for i in range(500)]
    backend = api(server, *[reply("yes")] * 20, Hang(0.0), tries=2)
    with Journal("quirks") as journal, pytest.raises(InputError, match=r"1\d requests in a row"):
        list(ask_all(backend, requests, journal))
    with Journal("quirks") as journal:
        assert len(journal) == 20
    assert len(server.seen) < 20 + 2 * (10 + 8)


def test_retry_after_is_waited_for_also_where_it_is_long(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    """The client's own limit is a minute; here it is the user's."""
    busy = failure(429, "slow down", headers={"Retry-After": "6"})
    answer = one(server, Request("Describe"), busy, reply("yes"))
    assert answer.status == "ok"
    assert server.at[1] - server.at[0] > 5.9
    assert "asked again in 6 s" in capsys.readouterr().err


def test_all_requests_wait_for_retry_after(server: Server) -> None:
    busy = failure(503, "loading", headers={"Retry-After": "1"})
    answers = list(
        api(server, reply("yes"), busy, reply("yes"), concurrency=2).answer([Request(f"{i}") for i in "abcd"])
    )
    assert {answer.status for _, answer in answers} == {"ok"}
    assert len(server.seen) == 5


@pytest.mark.parametrize("date", [False, True])
def test_a_wait_that_is_too_long_ends_the_run_and_says_when_to_come_back(server: Server, date: bool) -> None:
    at = datetime.now(UTC) + timedelta(seconds=7500)
    busy = failure(429, "daily limit", headers={"Retry-After": format_datetime(at, usegmt=True) if date else "7500"})
    with pytest.raises(InputError, match=r"come back in 2\.1 h") as raised:
        list(api(server, busy).answer([Request(f"{i}") for i in range(50)]))
    assert f"{at.astimezone():%Y-%m-%d %H:%M}" in str(raised.value)
    assert "wait_seconds" in str(raised.value)
    assert len(server.seen) == 1


HANGING = """
import sys, time
from stages.base.errors import guard
from stages.vlm.api import Api
from stages.vlm.base import Request
from tests.vlm.given import api_params
guard(lambda: list(Api(api_params(), sys.argv[1], seconds=0.5).answer(Request(f"{i}") for i in range(100))))
"""


def test_a_server_that_hangs_ends_the_run_in_a_bounded_time_and_says_so(server: Server) -> None:
    """In a process of its own: requests that are under way do not hold it up."""
    server.script = [Hang(60.0)]
    run = [sys.executable, "-c", HANGING, server.address]
    done = subprocess.run(run, capture_output=True, text=True, check=False, timeout=120, env=os.environ)
    assert done.returncode == 1
    assert "no reply within 0.5 s (1 in a row; 4 end the run)" in done.stderr
    assert re.search(r"the server hangs: no reply within 0.5 s, \d+ times in a row", done.stderr)
    assert "Traceback" not in done.stderr
    assert len(server.seen) <= 2 + 8 + 8


def test_half_of_a_character_is_written_and_read(server: Server, tmp_path: Path) -> None:
    """JSON may hold it, UTF-8 cannot: it ended the run in a stack trace."""
    said = Said(200, reply("A man XX waves YY").text.replace("XX", "\\ud83d").replace("YY", "\\ud83d\\ude00"))
    backend = api(server, said)
    with Journal("quirks") as journal:
        [(key, answer)] = ask_all(backend, [Request("Describe")], journal)
    assert answer.text == "A man � waves \U0001f600"
    row = {"clip_id": "a", "method": "m", "repeat": 0, "journal_key": key, **described(answer)._asdict()}
    write_table(tmp_path / "p.parquet", [row], PREDICTIONS)
    assert pl.read_parquet(tmp_path / "p.parquet")["text"].to_list() == [answer.text]
    with Journal("quirks") as journal:
        journal.put("half", {"text": "\ud83d"})
        assert journal.get("half") == {"text": "\ud83d"}


def test_answers_of_an_older_version_are_asked_again(server: Server) -> None:
    """A record that lacks a field of today's answers is not one: it would be read as an answer that says nothing."""
    backend, old = api(server, reply("yes")), dict(list(Answer("stale")._asdict().items())[:6])
    with Journal("quirks") as journal:
        [(key, _)] = ask_all(backend, [Request("Describe")], journal)
        journal.put(key, old)
    with Journal("quirks", Answer._fields) as journal:
        tally = Tally()
        [(_, answer)] = ask_all(backend, [Request("Describe")], journal, tally=tally)
    assert (answer.text, answer.ended) == ("yes", "stop")


def test_no_key_is_in_any_file_or_log(
    server: Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("HAR_JOURNAL", str(tmp_path))
    monkeypatch.setenv("MY_KEY", KEY)
    server.models = models(root=KEY)
    body = json.loads(reply(f"<think>{KEY}</think>you sent {KEY}", reasoning=KEY).text)
    leaky = Said(200, json.dumps(body | {"system_fingerprint": KEY}))
    busy = failure(429, f"{KEY} is too fast", headers={"Retry-After": "6"})
    with Journal("quirks") as journal:
        for script in ([leaky], [busy, leaky], [failure(400, f"odd: {KEY}")]):
            list(ask_all(api(server, *script, key="MY_KEY"), [Request(f"{script}")], journal))
        for last in (failure(429, KEY, headers={"Retry-After": "9999"}), failure(400, f"unsupported: seed {KEY}")):
            with pytest.raises(InputError) as raised:
                list(ask_all(api(server, last, key="MY_KEY"), [Request("q")], journal))
            assert KEY not in str(raised.value)
    printed = "".join(capfd.readouterr())
    assert "[key]" in printed
    assert KEY not in printed
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 1
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
