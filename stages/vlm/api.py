"""The api back end: a model behind an OpenAI-compatible server (OpenAI, vLLM, `transformers serve`, ...)."""

from __future__ import annotations

import math
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from stages.base.errors import InputError
from stages.vlm.base import Answer, Request
from stages.vlm.constraint import holds
from stages.vlm.messages import messages

if TYPE_CHECKING:
    from stages.vlm.params import ApiParams

#: Raise it when a change here or in messages changes what a server is asked or what is made of its reply.
VERSION = 1

#: The openai package waits 0.5, 1, 2, 4, then 8 s (less up to a quarter, drawn) between tries, or as long as the server
#: asks for; it tries again after 408, 409, 429, 5xx, time-outs and failed connections.
TRIES = 8

#: A reply may take this long.
SECONDS = 300.0


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
        seconds: float = SECONDS,
    ) -> None:
        """Look up the key; nothing is asked yet.

        Raises:
            InputError: no address, or the environment lacks the key that the block names.
        """
        if endpoint is None and params.engine.split()[0] != "openai":
            raise InputError(
                f"no address of the server of {params.name}", file="compute.yaml", key="endpoints",
                do="add the model with its address, such as http://127.0.0.1:8000/v1",
            )  # fmt: skip
        self.params, self.endpoint, self.concurrency = params, endpoint, concurrency
        self.tries, self.seconds = tries, seconds
        self._key = _key(params.key, endpoint)
        self._client: Any = None
        self._answered = False

    @property
    def revision(self) -> str:
        """The name and the engine: a server does not tell which weights it has."""
        return f"{self.params.name} on {self.params.engine}"

    def shape(self) -> dict[str, Any]:
        """Return all that shapes an answer; not the address, nor the name of the key's variable."""
        return self._shape

    @cached_property
    def _shape(self) -> dict[str, Any]:
        shaping = set(type(self.params).model_fields) - {"backend", "key", "media", "frames", "about"}
        return {
            "backend": "api",
            "version": VERSION,
            **{name: getattr(self.params, name) for name in sorted(shaping)},
            "libraries": {"pillow": version("pillow")},
        }

    def answer(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield each request with its answer, in order, at most `concurrency` under way.

        Raises:
            InputError: the server cannot be reached, refuses the key, or does not know the model.
        """
        self._connect()
        under_way: deque[tuple[Request, Future[Answer]]] = deque()
        pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="vlm-api")
        try:
            for request in requests:
                under_way.append((request, pool.submit(self._ask, request)))
                if len(under_way) >= 2 * self.concurrency:
                    first, future = under_way.popleft()
                    yield first, future.result()
            for request, future in under_way:
                yield request, future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, request: Request) -> Answer:
        import openai

        body = self._body(request)
        try:
            reply = self._client.chat.completions.create(**body)
        except openai.APIStatusError as error:
            return self._not_ok(error)
        except openai.APIConnectionError as error:  # also a time-out
            return self._not_there(error)
        except (openai.OpenAIError, ValueError, TypeError, AttributeError) as error:
            return self._error(f"the reply is garbage: {type(error).__name__}: {error}")
        answer = self._read(reply, request)
        self._answered = self._answered or answer.status != "error"
        return answer

    def _connect(self) -> None:
        if self._client is None:
            import openai

            # A key of the environment goes to no server that the block does not name it for.
            self._client = openai.OpenAI(
                api_key=self._key or "none",
                base_url=self.endpoint or "https://api.openai.com/v1",
                max_retries=self.tries - 1,
                timeout=self.seconds,
            )

    def _body(self, request: Request) -> dict[str, Any]:
        """Return the request as the arguments of a chat completion."""
        params = self.params
        body: dict[str, Any] = {
            "model": params.name,
            "messages": messages(request, params.image_format, params.image_side, params.detail),
            "max_completion_tokens": params.max_new_tokens,
        }
        if params.temperature is not None:
            body["temperature"] = params.temperature
        if params.seed is not None:
            body["seed"] = params.seed + request.repeat
        if request.options and params.logprobs:
            body |= {"logprobs": True, "top_logprobs": 20}
        if request.must_hold and params.constrain == "structured_outputs":
            words = "|".join(re.escape(word) for word in request.must_hold)
            body["extra_body"] = {"structured_outputs": {"regex": rf"(.|\n)* ({words})[ .,;](.|\n)*"}}
        return body

    def _read(self, reply: Any, request: Request) -> Answer:
        """Return what a reply says, whatever it is made of."""
        try:
            choice = reply.choices[0]
            text, refusal = choice.message.content, getattr(choice.message, "refusal", None)
            read, wrote = (reply.usage.prompt_tokens, reply.usage.completion_tokens) if reply.usage else (None, None)
        except (AttributeError, IndexError, TypeError):
            return self._error(f"the reply is garbage: {reply!r}")
        if refusal or choice.finish_reason == "content_filter":
            return Answer(
                self._keyless(text or ""),
                "refused",
                self._clean(refusal or "the provider's content filter"),
                read,
                wrote,
            )
        if not isinstance(text, str) or not text.strip():
            return self._error(f"the reply has no text (finish_reason {choice.finish_reason})")
        text = self._keyless(text.strip())
        if request.must_hold and not holds(text, request.must_hold):
            return self._error(f"the answer holds none of {list(request.must_hold)}: {text}")
        p = _weigh(choice, request.options) if request.options else None
        return Answer(text, "ok", None, read, wrote, p)

    def _not_ok(self, error: Any) -> Answer:
        """Return the answer that a reply with an HTTP error stands for, or end the run where all would end so."""
        status, code = error.status_code, str(getattr(error, "code", "") or "")
        if status in (401, 403):
            raise InputError(
                f"the server refuses the key (HTTP {status})", file=self._where(),
                do=f"set {self.params.key or 'the variable that `key` names'} in the environment to a valid key",
            ) from None  # fmt: skip
        if status == 404:
            raise InputError(
                f"the server knows no model {self.params.name!r} at this address (HTTP 404)", file=self._where(),
                do="correct `name`, or the address in compute.yaml (it often ends in /v1)",
            ) from None  # fmt: skip
        if code == "insufficient_quota":
            raise InputError(
                "the account's quota is used up", file=self._where(), do="top it up and run again"
            ) from None
        if "content_filter" in code or "content_policy" in code:
            return Answer("", "refused", self._clean(f"HTTP {status} {code}: {error.message}"))
        tried = f" after {self.tries} tries" if status in (408, 409, 429) or status >= 500 else ""
        return self._error(f"HTTP {status}{tried}: {error.message}")

    def _not_there(self, error: Exception) -> Answer:
        import openai

        if isinstance(error, openai.APITimeoutError):
            return self._error(f"no reply within {self.seconds:g} s, {self.tries} times")
        if self._answered:
            return self._error(f"the connection failed {self.tries} times")
        raise InputError(
            f"the server cannot be reached ({self.tries} tries)", file=self._where(),
            do="start it, or correct its address in compute.yaml",
        ) from None  # fmt: skip

    def _error(self, detail: str) -> Answer:
        return Answer("", "error", self._clean(detail))

    def _clean(self, text: str) -> str:
        """Return a detail of readable length, without the key."""
        return self._keyless(text)[:500]

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
            f"no key: the environment has no {variable}", file=endpoint or "api.openai.com",
            do=f"export {variable}=..., or set `key: null` for a server that asks for none",
        )  # fmt: skip
    return key or None


def _weigh(choice: Any, options: Sequence[str]) -> dict[str, float] | None:
    """Return the probability of each option from the likeliest first tokens, renormalised; None where none is given.

    A first token counts for the one option that it begins; one that begins several counts for none. An option beyond
    the 20 likeliest tokens gets 0.
    """
    try:
        likeliest = [(each.token.strip(), each.logprob) for each in choice.logprobs.content[0].top_logprobs]
    except (AttributeError, IndexError, TypeError):
        return None
    mass = dict.fromkeys(options, 0.0)
    for token, logprob in likeliest:
        begun = [option for option in options if token and option.startswith(token)]
        if len(begun) == 1:
            mass[begun[0]] += math.exp(logprob)
    total = math.fsum(mass.values())
    return {option: value / total for option, value in mass.items()} if total > 0 else None
