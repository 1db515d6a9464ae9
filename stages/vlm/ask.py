"""Ask a back end what the journal does not know yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from stages.base.journal.store import Journal, compute_missing
from stages.vlm.base import Answer, Backend, Request, request_key

#: Bytes of frames that drawn requests show.
_HELD = 512 << 20


@dataclass
class Tally:
    """Counts of a run of `ask_all`, for a stage's progress and closing line."""

    asked: int = 0
    """Requests in all."""
    computed: int = 0
    """Answers that the back end gave now; the others came from the journal or from an equal request."""
    refused: int = 0
    """Of those computed now."""
    errors: int = 0
    """Of those computed now."""
    tokens_in: int = 0
    """Of those computed now."""
    tokens_out: int = 0
    """Of those computed now."""

    def count(self, answer: Answer) -> None:
        """Add an answer that the back end gave now."""
        self.computed += 1
        self.refused += answer.status == "refused"
        self.errors += answer.status == "error"
        self.tokens_in += answer.tokens_in or 0
        self.tokens_out += answer.tokens_out or 0


def ask_all(
    backend: Backend,
    requests: Iterable[Request],
    journal: Journal,
    advance: Callable[[int], None] = lambda _: None,
    tally: Tally | None = None,
    window: int = 1024,
) -> Iterator[tuple[str, Answer]]:
    """Yield the journal key and the answer of each request, in the order of `requests`.

    Requests are drawn at most `window` at a time (fewer where their images are large) and forgotten, so give a
    generator that builds each when its turn comes: memory does not grow with their number. What the journal knows is
    not asked again; a new answer is journalled as soon as it is there, except one whose status is error, which a later
    run asks again. `advance` is called with 1 for each new answer, and with the number of known ones of a window.

    Raises:
        InputError: the back end cannot answer at all (no such model, no server, a wrong key).
    """
    tally = tally if tally is not None else Tally()
    pending = iter(requests)
    while drawn := _draw(pending, window):
        yield from _ask(backend, drawn, journal, advance, tally)


def _draw(pending: Iterator[Request], most: int) -> list[Request]:
    """Return the next requests, until they are `most` or show `_HELD` bytes of different media."""
    drawn: list[Request] = []
    shown: dict[str, int] = {}
    for request in islice(pending, most):
        drawn.append(request)
        if request.media is not None and request.media.digest not in shown:
            shown[request.media.digest] = sum(frame.nbytes for frame in request.media.frames)
            if sum(shown.values()) >= _HELD:
                break
    return drawn


def _ask(
    backend: Backend, requests: list[Request], journal: Journal, advance: Callable[[int], None], tally: Tally
) -> Iterator[tuple[str, Answer]]:
    keys = {id(request): request_key(backend, request) for request in requests}
    failed: dict[str, Answer] = {}

    def compute(missing: list[Request]) -> Iterator[tuple[Request, Mapping[str, Any]]]:
        for request, answer in backend.answer(missing):
            tally.count(answer)
            if answer.status == "error":
                failed[keys[id(request)]] = answer
                advance(1)
            else:
                yield request, answer._asdict()

    asked = compute_missing(journal, requests, lambda request: keys[id(request)], compute, advance)
    tally.asked += len(requests)
    advance(len(requests) - asked)
    for request in requests:
        key = keys[id(request)]
        yield key, failed[key] if key in failed else Answer(**journal.get(key))
