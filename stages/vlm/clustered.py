"""Models of this machine on all machines of a Ray cluster: each worker holds one, this process asks and journals.

What is sent are questions, and where the media that they show are: workers open these, here nobody reads a pixel. A
question's journal key names its media by the digest of their pixels, so workers look at the media once before, to tell
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from stages.base.errors import InputError
from stages.base.parallel.cluster import actor_map, join
from stages.base.parallel.crashed import Crashed
from stages.base.params import compute
from stages.vlm.base import Answer, Media, Place, Request, Unopened
from stages.vlm.local import Local
from stages.vlm.params import LocalParams, VllmModelParams
from stages.vlm.vllm import AHEAD, Vllm

#: What answers requests, each with its answer, in any order.
Answering = Callable[[Sequence[Request]], Iterable[tuple[Request, Answer]]]

#: Clips of a window, at least; and batches of them for each worker, so that few wait for a window's last ones.
_CLIPS, _BATCHES = 256, 4
#: Media that a worker looks at before it says what it saw.
_LOOKS = 16


class Clustered(Local):
    """Answers with a model by hub name or path, which every worker loads once."""

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield each request with its answer, in any order; one that ends its worker, twice, has an error.

        Raises:
            InputError: the model does not load, has no processor for what a request shows, or there is no cluster.
        """
        make = partial(_answers, self.params, self.device, self.batch, self.threads)
        yield from _gathered(make, requests, self.batch)


class ClusteredVllm(Vllm):
    """Answers with a model that vLLM holds in every worker."""

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield each request with its answer, in any order; one that ends its worker, twice, has an error.

        Raises:
            InputError: as of `Vllm`, or there is no cluster.
        """
        yield from _gathered(partial(_vllm_answers, self.params, self.batch), requests, AHEAD * self.batch)


def window_clips() -> int:
    """Return how many clips give all workers of the cluster work; of each it is a few hundred bytes that are held.

    Raises:
        InputError: there is no cluster.
    """
    where = compute()
    return max(_CLIPS, _BATCHES * where.batch * join(where.ray.gpus))


def looked_at(places: Sequence[Place]) -> list[Media | InputError]:
    """Return the media of each place, unopened, or why they cannot be shown; workers look at them.

    Raises:
        InputError: there is no cluster.
    """
    found: dict[int, Media | InputError] = {}
    for place, seen in actor_map(_looker, places, _LOOKS, compute().ray.gpus):
        found[id(place)] = InputError(str(seen)) if isinstance(seen, Crashed) else seen
    return [found[id(place)] for place in places]


def _looker() -> Callable[[list[Place]], Iterator[tuple[Place, Media | InputError]]]:
    """Return what looks at media in a worker."""
    return _look


def _look(places: list[Place]) -> Iterator[tuple[Place, Media | InputError]]:
    for place in places:
        try:
            media = place.open()
        except InputError as error:
            yield place, error
        else:
            yield place, Unopened(media.kind, (), digest=media.digest, place=place)


def _gathered(
    make: Callable[[], Answering], requests: Sequence[Request], size: int
) -> Iterator[tuple[Request, Answer]]:
    """Yield what workers answer that get `size` requests at once."""
    for request, answer in actor_map(make, requests, size, compute().ray.gpus):
        yield request, Answer("", "error", str(answer)) if isinstance(answer, Crashed) else answer


def _answers(params: LocalParams, device: str, batch: int, threads: int) -> Answering:
    """Return what answers in a worker."""
    return partial(_opening, Local(params, device, batch, threads).answer)


def _vllm_answers(params: VllmModelParams, batch: int) -> Answering:
    """Return what answers in a worker whose model vLLM holds."""
    return partial(_opening, Vllm(params, batch).answer)


def _opening(answering: Answering, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
    """Yield each request with its answer, having opened what it shows; an error where that cannot be opened."""
    opened: dict[str, Media] = {}
    shown: list[Request] = []
    of: dict[int, Request] = {}
    for request in requests:
        try:
            shown.append(_with_pixels(request, opened))
        except InputError as error:
            yield request, Answer("", "error", str(error).splitlines()[0])
        else:
            of[id(shown[-1])] = request
    for request, answer in answering(shown):
        yield of[id(request)], answer


def _with_pixels(request: Request, opened: dict[str, Media]) -> Request:
    """Return a request whose media have their frames; `opened` are those that are there."""

    def there(media: Media | None) -> Media | None:
        if not isinstance(media, Unopened):
            return media
        if media.digest not in opened:
            opened[media.digest] = media.open()
        return opened[media.digest]

    examples = tuple(replace(example, media=there(example.media)) for example in request.examples)
    return replace(request, media=there(request.media), examples=examples)
