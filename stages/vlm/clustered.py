"""The local back end on all machines of a Ray cluster: each worker holds the model, this process asks and journals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from stages.base.params import compute
from stages.parallel.cluster import actor_map
from stages.parallel.crashed import Crashed
from stages.vlm.base import Answer, Request
from stages.vlm.local import Local
from stages.vlm.params import LocalParams


class Clustered(Local):
    """Answers with a model by hub name or path, which every worker loads."""

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield each request with its answer, in any order; one that ends its worker, twice, has an error.

        Raises:
            InputError: the model does not load, has no processor for what a request shows, or there is no cluster.
        """
        make = partial(_answers, self.params, self.device, self.batch, self.threads)
        for request, answer in actor_map(make, requests, self.batch, compute().ray.gpus):
            yield request, Answer("", "error", str(answer)) if isinstance(answer, Crashed) else answer


def _answers(
    params: LocalParams, device: str, batch: int, threads: int
) -> Callable[[Sequence[Request]], Iterable[tuple[Request, Answer]]]:
    """Return what answers in a worker."""
    return Local(params, device, batch, threads).answer
