"""Sentence embeddings on all machines of a Ray cluster: each worker holds the encoder, this process journals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from stages.base.errors import InputError, some
from stages.base.parallel.cluster import actor_map
from stages.base.parallel.crashed import Crashed
from stages.base.params import compute
from stages.text.encode import Encoder, Pooling, Precision, Vector

#: Texts that a worker gets at once: seconds of work on a core. Fewer in all are not worth a cluster's start.
AT_ONCE = 256


def clustered(
    folder: Path, texts: Sequence[str], precision: Precision, pooling: Pooling
) -> Iterator[tuple[str, Vector]]:
    """Yield what `encode` does, the same bytes on machines of one kind, in any order.

    Raises:
        InputError: there is no cluster; or, after all others, texts of which each has ended its worker, twice.
    """
    make = partial(_encoder, folder, precision, pooling)
    # Texts of similar length together, for a batch holds equal lengths only; the longest first, that none is last.
    ordered = sorted(texts, key=len, reverse=True)
    crashed = []
    for text, vector in actor_map(make, ordered, AT_ONCE, compute().ray.gpus):
        if isinstance(vector, Crashed):
            crashed.append(f"{text[:60]!r}: {vector}")
        else:
            yield text, vector
    if crashed:
        do = "the others are in the journal: set engine: local in compute.yaml, or give a worker more memory"
        raise InputError(f"{len(crashed)} texts could not be embedded:\n{some(crashed)}", file=folder, do=do)


def _encoder(folder: Path, precision: Precision, pooling: Pooling) -> Encoder:
    """Return what embeds in a worker, on as many threads as it has cores."""
    where = compute()
    return Encoder(folder, None, precision, pooling, where.threads or max(1, int(where.ray.cpus)))
