"""One request to a server, tried until it is answered or nothing more can be hoped for.

A server that is busy, restarts or loses a connection is asked again; one that says when to come back is left alone
until then; one that hangs or fails for every request ends the run, which goes on from the journal.
"""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, NoReturn

from stages.base.errors import InputError

#: Tries at a request, with 0.5, 1, 2, 4, then 8 s between them (less up to a quarter, drawn).
TRIES = 8

#: A reply may take this long.
REPLY_SECONDS = 300.0

#: A server's `Retry-After` is waited for up to this long.
WAIT_SECONDS = 600.0

#: Tries at a request that had no reply in time: another clip may have one.
TIME_OUTS = 2

#: No reply in time so often in a row, whatever was asked: the server hangs.
HANGS = 4

#: So many requests in a row without an answer: the server is down, or is no server of models.
FAILURES = 10

#: A wait that is longer is told.
_TOLD = 5.0


class Patience(NamedTuple):
    """How long to wait for a server; nothing of it shapes an answer."""

    tries: int = TRIES
    reply_seconds: float = REPLY_SECONDS
    wait_seconds: float = WAIT_SECONDS


class NoAnswer(Exception):
    """A request had no answer after all tries; says why."""


class Line:
    """What all requests to one server share: when it may be asked again, and how often it failed in a row."""

    def __init__(self, patience: Patience, where: str, say: Callable[[str], None], clean: Callable[[str], str]) -> None:
        """Ask nothing yet; `say` prints a line, `clean` takes out of a text what must not be kept."""
        self.patience, self.where, self.say, self.clean = patience, where, say, clean
        self.answered = 0
        self.over = False
        """The run has ended: who is still trying need not."""
        self._lock = threading.Lock()
        self._from = 0.0
        self._hung = self._failed = 0

    def ask(self, send: Callable[[], Any]) -> Any:
        """Return what `send` returns, which is called until it does.

        Raises:
            NoAnswer: it had none after all tries.
            InputError: the server hangs, cannot be reached, or wants to be left alone for longer than anyone waits.
            openai.APIStatusError: the server refuses the request.
        """
        import openai

        hung, why = 0, ""
        for attempt in range(1, self.patience.tries + 1):
            self._rest()
            if self.over:
                raise NoAnswer("the run ended")
            try:
                reply = send()
            except openai.APITimeoutError:
                hung, why = hung + 1, f"no reply within {self.patience.reply_seconds:g} s"
                self._hang(why)
                if hung == TIME_OUTS:
                    raise self._gave_up(f"{why}, {hung} times") from None
            except openai.APIConnectionError as error:
                why = f"the connection failed ({type(error.__cause__ or error).__name__})"
            except openai.APIStatusError as error:
                if error.status_code not in (408, 409, 429) and error.status_code < 500:
                    self.replied()
                    raise
                if str(getattr(error, "code", "")) == "insufficient_quota":
                    raise
                why = f"HTTP {error.status_code}: {error.message}"
                self._come_back(error.response.headers, why)
            else:
                self.replied()
                return reply
            if attempt < self.patience.tries:
                time.sleep(min(0.5 * 2 ** (attempt - 1), 8) * random.uniform(0.75, 1))
        if not self.answered and why.startswith("the connection"):
            self._unreachable()
        raise self._gave_up(f"{why}, after {self.patience.tries} tries")

    def replied(self) -> None:
        """Note that the server said something: it does not hang."""
        with self._lock:
            self._hung = 0

    def succeeded(self) -> None:
        """Note that a request was answered."""
        with self._lock:
            self._failed = 0
            self.answered += 1

    def failed(self, why: str) -> None:
        """Note that a request had no answer for a reason that is the server's.

        Raises:
            InputError: so did all those before it.
        """
        with self._lock:
            self._failed += 1
            failed = self._failed
        if failed >= FAILURES:
            raise InputError(
                f"{failed} requests in a row had no answer, the last one: {self.clean(why)}",
                file=self.where,
                do="see to the server and run again: what it answered is in the journal",
            )

    def _gave_up(self, why: str) -> NoAnswer:
        self.failed(why)
        return NoAnswer(why)

    def _unreachable(self) -> NoReturn:
        raise InputError(
            f"the server cannot be reached ({self.patience.tries} tries)",
            file=self.where,
            do="start it, or correct its address in compute.yaml",
        )

    def _hang(self, why: str) -> None:
        with self._lock:
            self._hung += 1
            hung = self._hung
        if hung < HANGS:
            self.say(f"{why} ({hung} in a row; {HANGS} end the run)")
        else:
            raise InputError(
                f"the server hangs: {why}, {hung} times in a row",
                file=self.where,
                do="see to it and run again: what it answered is in the journal; a slow one needs a longer"
                " `reply_seconds` or a smaller `concurrency` in compute.yaml",
            )

    def _come_back(self, headers: Mapping[str, str], why: str) -> None:
        """Leave the server alone for as long as it asks for."""
        seconds = retry_after(headers)
        if seconds is None:
            return
        if seconds > self.patience.wait_seconds:
            at = datetime.now().astimezone() + timedelta(seconds=seconds)
            raise InputError(
                f"{self.clean(why)}; the server asks to come back in {_in_words(seconds)}, and a run waits for"
                f" {_in_words(self.patience.wait_seconds)} at most",
                file=self.where,
                do=f"run again after {at:%Y-%m-%d %H:%M:%S %Z}: what it answered is in the journal; or raise"
                " `wait_seconds` in compute.yaml",
            )
        with self._lock:
            later = time.monotonic() + seconds
            told, self._from = self._from >= later - _TOLD, max(self._from, later)
        if seconds > _TOLD and not told:
            self.say(f"{self.clean(why)}; asked again in {_in_words(seconds)}, as the server wishes")

    def _rest(self) -> None:
        while (left := self._from - time.monotonic()) > 0:
            time.sleep(left)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a reply's `Retry-After`, a number or a date (RFC 9110, 10.2.3); None without one."""
    try:
        milliseconds = headers.get("retry-after-ms")
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
    except ValueError:
        pass
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (email.utils.parsedate_to_datetime(value) - datetime.now().astimezone()).total_seconds()
        except (TypeError, ValueError):
            return None
    return max(0.0, seconds) if seconds < 1e9 else None


def _in_words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
