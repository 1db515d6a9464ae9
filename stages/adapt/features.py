"""Features of clips under a frozen VLM, through the journal: computed once a clip, whatever is trained on them."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from stages.adapt.pooling import pooled, visual_tokens
from stages.base.journal import previous
from stages.base.journal.store import Journal, compute_missing, journal_key
from stages.base.schema import table
from stages.vlm.base import Answer, Request
from stages.vlm.local import Local
from stages.vlm.show import Show, Shown

#: Raise it when a change here, in pooling or in stages/vlm/engine changes a feature: the journal's are stale.
VERSION = 1

Vector = NDArray[np.float32]

#: Clips as vectors, with the key under which a journal keeps them; `why` one has none.
FEATURES = table(
    ["clip_id"],
    [
        pa.field("clip_id", pa.string(), nullable=False),
        pa.field("feature", pa.list_(pa.float32())),
        pa.field("why", pa.string()),
        pa.field("journal_key", pa.string()),
    ],
)


class Feature(NamedTuple):
    """A clip as a vector (width,); None where the model cannot be shown it, and `why`."""

    clip_id: str
    key: str | None
    vector: Vector | None
    why: str | None


def feature_key(backend: Local, request: Request) -> str:
    """Return the journal key of what a model makes of a clip and a prompt."""
    return journal_key(version=VERSION, backend=backend.hidden_shape(), request=request.shape())


def features(
    show: Show,
    clip_ids: Iterable[str],
    prompt: str,
    backend: Local,
    journal: Journal,
    advance: Callable[[int], None] = lambda _: None,
    text_first: bool = False,
) -> Iterator[Feature]:
    """Yield the feature of each clip, in the order of `clip_ids`; a window of clips is in memory at a time.

    With `text_first` the prompt stands before what is shown, and so has a part in the feature.

    Raises:
        InputError: not one clip can be shown, or the model sees nothing.
    """
    for window in show.windows(clip_ids):
        asked = {one.clip_id: Request(prompt, one.media, text_first=text_first) for one in window if one.why is None}
        yield from _of_window(window, asked, backend, journal, advance)


def _of_window(
    window: Sequence[Shown],
    asked: Mapping[str, Request],
    backend: Local,
    journal: Journal,
    advance: Callable[[int], None],
) -> Iterator[Feature]:
    keys = {id(request): feature_key(backend, request) for request in asked.values()}
    failed: list[tuple[Request, Answer]] = []
    new = compute_missing(
        journal,
        list(asked.values()),
        lambda request: keys[id(request)],
        lambda missing: _computed(backend, missing, failed),
        advance,
    )
    advance(len(window) - new)
    refused = {keys[id(request)]: answer.detail for request, answer in failed}
    for clip_id, _, why in window:
        key = keys[id(asked[clip_id])] if why is None else None
        if key is None or key in refused:
            yield Feature(clip_id, None, None, why or refused.get(key or ""))
        else:
            yield Feature(clip_id, key, unpacked(journal.get(key)), None)


def _computed(
    backend: Local, requests: Sequence[Request], refused: list[tuple[Request, Answer]]
) -> Iterator[tuple[Request, Mapping[str, Any]]]:
    engine = backend.engine()
    tokens = visual_tokens(engine.config).to(engine.device)
    for batch in backend.batches(requests, refused):
        with torch.inference_mode():
            vectors = pooled(engine.model, tokens, engine.inputs(batch)).cpu().numpy()
        for encoded, vector in zip(batch, vectors, strict=True):
            yield encoded.request, packed(vector)


def packed(vector: Vector) -> dict[str, str]:
    """Return a vector as the journal keeps it."""
    return {"feature": base64.b64encode(vector.astype("<f4").tobytes()).decode()}


def unpacked(value: Mapping[str, Any]) -> Vector:
    """Return the vector that the journal keeps."""
    return np.frombuffer(base64.b64decode(value["feature"]), "<f4").copy()


def refill(journal: Journal, path: Path) -> int:
    """Put the features of the last run's output into the journal that lacks them; return how many."""
    return previous.refill(journal, path, FEATURES, lambda row: packed(np.asarray(row["feature"], np.float32)))
