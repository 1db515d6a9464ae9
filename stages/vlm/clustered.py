"""Models of this machine on all machines of a Ray cluster: each worker holds one, this process asks and journals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from stages.base.params import compute
from stages.parallel.cluster import actor_map
from stages.parallel.crashed import Crashed
from stages.vlm.base import Answer, Request
from stages.vlm.local import Local
from stages.vlm.params import LocalParams, VllmModelParams
from stages.vlm.vllm import AHEAD, Vllm


class Clustered(Local):
    """Answers with a model by hub name or path, which every worker loads."""

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


def _gathered(
    make: Callable[[], Callable[[Sequence[Request]], Iterable[tuple[Request, Answer]]]],
    requests: Sequence[Request],
    size: int,
) -> Iterator[tuple[Request, Answer]]:
    """Yield what workers answer that get `size` requests at once."""
    for request, answer in actor_map(make, requests, size, compute().ray.gpus):
        yield request, Answer("", "error", str(answer)) if isinstance(answer, Crashed) else answer


def _answers(
    params: LocalParams, device: str, batch: int, threads: int
) -> Callable[[Sequence[Request]], Iterable[tuple[Request, Answer]]]:
    """Return what answers in a worker."""
    return Local(params, device, batch, threads).answer


def _vllm_answers(
    params: VllmModelParams, batch: int
) -> Callable[[Sequence[Request]], Iterable[tuple[Request, Answer]]]:
    """Return what answers in a worker whose model vLLM holds."""
    return Vllm(params, batch).answer
