"""The api back end: a model behind an OpenAI-compatible server (OpenAI, vLLM, `transformers serve`, ...).

What a reply says is `reply.py`, how often and how long a server is asked `trying.py`, which weights it has `served.py`.
"""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from functools import cached_property, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stages.base.errors import InputError
from stages.base.unicode import well_formed
from stages.vlm.base import Answer, Request
from stages.vlm.constraint import pattern
from stages.vlm.messages import messages, sent
from stages.vlm.refusals import refused_field
from stages.vlm.reply import LONGER, UNWEIGHED, Garbage, read
from stages.vlm.served import Served, entry
from stages.vlm.trying import REPLY_SECONDS, TRIES, WAIT_SECONDS, Line, NoAnswer, Patience
from stages.vlm.workers import Workers

if TYPE_CHECKING:
    from stages.vlm.params import ApiParams

#: Raise it when a change here or in messages, reply or thinking changes what a server is asked or what is made of its
#: reply.
VERSION = 3

#: What the client raises where a reply is not what it expects; it checks little.
_ODD = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError)

#: A server may take this long to say which models it has.
_LISTING_SECONDS = 10.0


class Api:
    """Answers through chat completions, several requests under way at once."""

    #: A server promises no determinism: repeated draws measure it.
    samples = True

    def __init__(
        self,
        params: ApiParams,
        endpoint: str | None,
        concurrency: int = 8,
        tries: int = TRIES,
        seconds: float = REPLY_SECONDS,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        """Look up the key; nothing is asked yet.

        Raises:
            InputError: no address, or the environment lacks the key that the block names.
        """
        if endpoint is None and params.engine.split()[0] != "openai":
            raise InputError(
                f"no address of the server of {params.name}",
                file="compute.yaml",
                key="endpoints",
                do="add the model with its address, such as http://127.0.0.1:8000/v1",
            )
        self.params, self.endpoint, self.concurrency = params, endpoint, concurrency
        self.patience = Patience(tries, seconds, wait_seconds)
        self.line = Line(self.patience, self._where(), self._print, self._clean)
        self.served = Served(params.name, params.engine)
        self._key = _key(params.key, endpoint)
        self._show = partial(sent, form=params.image_format, side=params.image_side, detail=params.detail)
        self._client: Any = None
        self._over: InputError | None = None
        self._listed: list[str] = []
        self._said: set[str] = set()
        self._tried: set[frozenset[str]] = set()
        self._fingerprints: set[str] = set()

    @property
    def revision(self) -> str:
        """The name and the engine: a server does not tell which weights it has."""
        return f"{self.params.name} on {self.params.engine}"

    def shape(self) -> dict[str, Any]:
        """Return all that shapes an answer; not the address, nor the name of the key's variable."""
        return self._shape

    @cached_property
    def _shape(self) -> dict[str, Any]:
        beside = {"backend", "key", "media", "frames", "length_field", "about"}
        shaping = set(type(self.params).model_fields) - beside
        return {
            "backend": "api",
            "version": VERSION,
            **{name: getattr(self.params, name) for name in sorted(shaping)},
            "length_field": self.params.length,
            "libraries": {"pillow": version("pillow")},
        }

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield each request with its answer, in order, at most `concurrency` under way.

        The first request of each kind is alone under way: what the server refuses of it, it refuses of all.

        Raises:
            InputError: the server cannot be reached, hangs, fails for every request, refuses the key or a field of the
                request, does not know the model, or wants to be left alone. What was answered before is yielded first.
        """
        self._over, self.line.over = None, False
        self._connect()
        under_way: deque[tuple[Request, Future[Answer]]] = deque()
        workers = Workers(self.concurrency, "vlm-api")
        try:
            for request in requests:
                under_way.append((request, workers.submit(partial(self._ask, request))))
                if self._kind(request) not in self._tried:
                    self._tried.add(self._kind(request))
                    self._wait(under_way[-1][1])
                if len(under_way) >= 2 * self.concurrency or under_way[-1][1].done():
                    yield from self._finished(under_way, len(under_way) - 2 * self.concurrency + 1)
            yield from self._finished(under_way, len(under_way))
        finally:
            workers.close()

    def _finished(
        self, under_way: deque[tuple[Request, Future[Answer]]], count: int
    ) -> Iterator[tuple[Request, Answer]]:
        """Yield the first answers, `count` at least; where one ends the run, those that are there before it does."""
        while under_way and (count > 0 or under_way[0][1].done()):
            self._wait(under_way[0][1])
            if self._over:
                there = [(request, each) for request, each in under_way if each.done() and not each.exception()]
                yield from ((request, each.result()) for request, each in there)
                raise self._over
            request, future = under_way.popleft()
            count -= 1
            yield request, future.result()

    def _wait(self, future: Future[Answer]) -> None:
        """Wait for an answer, or until another request ends the run."""
        while not self._over and not wait([future], timeout=0.1).done:
            pass

    def _kind(self, request: Request) -> frozenset[str]:
        optional = {"media": request.media, "options": request.options, "must_hold": request.must_hold}
        return frozenset(name for name, value in optional.items() if value)

    def _ask(self, request: Request) -> Answer:
        try:
            return self._asked(request)
        except InputError as error:
            self._over = self._over or error
            self.line.over = True
            raise

    def _asked(self, request: Request) -> Answer:
        import openai

        body = self._body(request)
        try:
            reply = self.line.ask(lambda: self._client.chat.completions.create(**body))
            answer = read(reply, request, self.params, self._keyless)
        except openai.APIStatusError as error:
            return self._not_ok(error)
        except NoAnswer as error:
            return self._error(str(error))
        except (openai.OpenAIError, *_ODD) as error:
            detail = f"the reply is garbage: {'' if isinstance(error, Garbage) else f'{type(error).__name__}: '}{error}"
            self.line.failed(self._clean(detail))
            return self._error(detail)
        if answer.status != "error":
            self.line.succeeded()
        self._tell(answer, getattr(reply, "system_fingerprint", None))
        return answer

    def _connect(self) -> None:
        if self._client is None:
            import openai

            # A key of the environment goes to no server that the block does not name it for.
            self._client = openai.OpenAI(
                api_key=self._key or "none",
                base_url=self.endpoint or "https://api.openai.com/v1",
                max_retries=0,
                timeout=self.patience.reply_seconds,
            )
            self._identify()

    def _identify(self) -> None:
        """Ask the server which models it has, and note what it says of this one; one that does not say may be asked."""
        import openai

        seconds = min(_LISTING_SECONDS, self.patience.reply_seconds)
        try:
            said = json.loads(self._client.models.with_raw_response.list(timeout=seconds).text)
        except (openai.OpenAIError, *_ODD):
            return
        found = said.get("data") if isinstance(said, dict) else None
        names = [one.get("id") for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        self._listed = [well_formed(name) for name in names if isinstance(name, str)]
        told = json.dumps(entry(said, self.params.name), ensure_ascii=False)
        self._other_weights(self.served.note(json.loads(self._keyless(well_formed(told)))))

    def _tell(self, answer: Answer, fingerprint: Any) -> None:
        """Say once what is odd about the answers, and note the server's fingerprint."""
        if UNWEIGHED in (answer.detail or ""):
            self._say(
                f"{UNWEIGHED}: the classes have no scores; serve it so that it gives them, or set"
                " `logprobs: false` in the model's block"
            )
        if LONGER in (answer.detail or ""):
            other = {"max_tokens": "max_completion_tokens"}.get(self.params.length, "max_tokens")
            self._say(
                f"answers are longer than asked: the server ignores {self.params.length}; set `length_field:"
                f" {other}` in the model's block"
            )
        if isinstance(fingerprint, str) and fingerprint not in self._fingerprints:
            self._fingerprints.add(fingerprint)
            self._other_weights(self.served.note(None, self._keyless(well_formed(fingerprint))[:200]))

    def _other_weights(self, changed: str | None) -> None:
        if changed:
            self._say(
                f"other weights may answer as {self.params.name!r} now: {changed}; the journal's answers are of"
                " those before, and are not asked again unless `engine` in the model's block says what is"
                f" served now (recorded in {self.served.file})"
            )

    def _say(self, text: str) -> None:
        """Print a warning, each once."""
        if text not in self._said:
            self._said.add(text)
            self._print(text)

    def _print(self, text: str) -> None:
        print(f"warning: {self._where()}: {self._keyless(text)}", file=sys.stderr, flush=True)

    def _body(self, request: Request) -> dict[str, Any]:
        """Return the request as the arguments of a chat completion."""
        params = self.params
        body: dict[str, Any] = {
            "model": params.name,
            "messages": messages(request, self._show),
            params.length: params.max_new_tokens,
        }
        if params.temperature is not None:
            body["temperature"] = params.temperature
        if params.seed is not None:
            body["seed"] = params.seed + request.repeat
        if request.options and params.logprobs:
            body |= {"logprobs": True, "top_logprobs": 20}
        if request.must_hold and params.constrain == "structured_outputs":
            body["extra_body"] = {"structured_outputs": {"regex": pattern(request.must_hold)}}
        return body

    def _not_ok(self, error: Any) -> Answer:
        """Return the answer that a reply with an HTTP error stands for, or end the run where all would end so."""
        status, code = error.status_code, str(getattr(error, "code", "") or "")
        message = self._clean(well_formed(str(error.message)))
        if status in (401, 403):
            raise InputError(
                f"the server refuses the key (HTTP {status})",
                file=self._where(),
                do=f"set {self.params.key or 'the variable that `key` names'} in the environment to a valid key",
            ) from None
        if status == 404:
            known = f"; it has {', '.join(sorted(self._listed)[:10])}" if self._listed else ""
            raise InputError(
                f"the server knows no model {self.params.name!r} at this address (HTTP 404){self._keyless(known)}",
                file=self._where(),
                do="correct `name`, or the address in compute.yaml (it often ends in /v1)",
            ) from None
        if code == "insufficient_quota":
            raise InputError(
                "the account's quota is used up", file=self._where(), do="top it up and run again"
            ) from None
        if "content_filter" in code or "content_policy" in code:
            return Answer("", "refused", f"HTTP {status} {code}: {message}", ended="filter")
        refused = refused_field(error)
        if refused:
            raise InputError(
                f"the server refuses the field {refused.field} of a request (HTTP {status}: {message})",
                file=self._where(),
                do=f"set {refused.key} in the block of {self.params.name}",
            ) from None
        return self._error(f"HTTP {status}: {message}")

    def _error(self, detail: str) -> Answer:
        return Answer("", "error", self._clean(detail))

    def _clean(self, text: str) -> str:
        """Return a detail of readable length, without the key."""
        return self._keyless(well_formed(text))[:500]

    def _keyless(self, text: str) -> str:
        """Return a text without the key, should a server have sent it back."""
        return text.replace(self._key, "[key]") if self._key else text

    def _where(self) -> str:
        return self.endpoint or "api.openai.com"


def _key(variable: str | None, endpoint: str | None) -> str | None:
    key = os.environ.get(variable) if variable else None
    loopback = endpoint is not None and urlsplit(endpoint).hostname in ("localhost", "127.0.0.1", "::1")
    if variable and not key and not loopback:
        raise InputError(
            f"no key: the environment has no {variable}",
            file=endpoint or "api.openai.com",
            do=f"export {variable}=..., or set `key: null` for a server that asks for none",
        )
    return key or None
