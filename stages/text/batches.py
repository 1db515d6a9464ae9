"""Batches of texts of exactly equal token length, so that what a text gives does not depend on its neighbours.

No text is padded, so none is computed with a mask of another's length. Beside that, a matrix product must sum a row in
the same order however many rows and threads there are. MKL by default does not (measured: embeddings differ in their
last bits between batches of 1, 2, 3, 5, 7, 16 texts); in its strict mode, which `stages/__init__.py` sets, it does.
Tests compare the bytes of batches of 1, 7, 32 and 128, in any order, on one and two threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from stages.base.params import compute

R = TypeVar("R")

#: Texts of a batch, as indices.
Batch = list[int]


def equal_length(lengths: Sequence[int], size: int | None = None) -> list[Batch]:
    """Return batches of up to `size` texts (none given: `batch` of compute.yaml) of equal length, longest first."""
    size = size or compute().batch
    by_length: dict[int, Batch] = {}
    for index, length in enumerate(lengths):
        by_length.setdefault(length, []).append(index)
    return [
        by_length[length][start : start + size]
        for length in sorted(by_length, reverse=True)
        for start in range(0, len(by_length[length]), size)
    ]


def over_threads(
    function: Callable[[Batch], R], batches: Sequence[Batch], device: str, threads: int | None = None
) -> Iterator[tuple[Batch, R]]:
    """Yield each batch with `function(batch)`, in order, without gradients.

    On a CPU each of the threads (none given: `threads` of compute.yaml) takes whole batches: threads that share a batch
    wait for each other after every product, which costs more the smaller the model is. On a GPU there is one.
    """
    import torch

    threads = (threads or compute().threads or compute().processes) if device == "cpu" else 1
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield from zip(batches, pool.map(torch.inference_mode()(function), batches), strict=True)
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(before)


def device() -> str:
    """Return the device of `compute.yaml`; `auto` is a GPU where there is one."""
    import torch

    wanted = compute().device
    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted


def stacked(features: Sequence[dict[str, Any]], batch: Batch, device: str) -> dict[str, Any]:
    """Return a batch's model inputs, each (B, T), from those of single texts, each (T,)."""
    import torch

    return {name: torch.stack([features[text][name] for text in batch]).to(device) for name in features[batch[0]]}
