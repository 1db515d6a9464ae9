"""The local back end: a transformers model in this process, batched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from stages.base.errors import InputError
from stages.base.journal.store import journal_key
from stages.exact.formats import computed_in
from stages.vlm.adapter import adapter_revision
from stages.vlm.base import Answer, Request
from stages.vlm.checkpoint import is_folder, revision_of

if TYPE_CHECKING:
    from stages.vlm.engine import Encoded, Engine
    from stages.vlm.params import LocalParams

#: Raise it when a change here or in engine, chat, constraint, decoding or thinking changes an answer: the journal's are
#: stale.
VERSION = 4

#: Bytes of encoded requests that wait for others of their shape.
_HELD = 2 << 30

#: What shapes words, and nothing of what is seen or of the hidden states of a prompt.
_WORDS_ONLY = ("max_new_tokens", "temperature", "seed")

#: Libraries whose versions may change an answer, whoever holds the weights here.
LIBRARIES = ("torch", "torchvision", "transformers", "tokenizers", "pillow", "numpy")


class Local:
    """Answers with a model by hub name or path; torch and the weights load at the first question."""

    def __init__(self, params: LocalParams, device: str = "auto", batch: int = 32, threads: int = 0) -> None:
        self.params, self.device, self.batch, self.threads = params, device, batch, threads
        self._engine: Engine | None = None

    @cached_property
    def revision(self) -> str:
        """The hub's commit, or the hash of the folder's files; behind a + the same of the adapter, if there is one."""
        return "+".join([self.base_revision, *([self.adapter] if self.adapter else [])])

    @cached_property
    def base_revision(self) -> str:
        """The same without the adapter."""
        return revision_of(self.params.name, self.params.revision)

    @cached_property
    def adapter(self) -> str | None:
        """What identifies the adapter's weights; null where there is none."""
        return adapter_revision(self.params.adapter) if self.params.adapter else None

    @property
    def samples(self) -> bool:
        """Greedy decoding gives a repeated question the same answer."""
        return self.params.temperature > 0

    def shape(self) -> dict[str, Any]:
        """Return all that shapes an answer; a folder is named by its files' hash, wherever it lies."""
        return self._shape

    @cached_property
    def _shape(self) -> dict[str, Any]:
        shaping = ("processor", "quantisation", "attention", "max_new_tokens", "temperature", "thinking")
        return {
            "backend": "local",
            "version": VERSION,
            "name": None if is_folder(self.params.name) else self.params.name,
            "revision": self.base_revision,
            **({"adapter": self.adapter} if self.adapter else {}),
            **({"remote_code": True} if self.params.remote_code else {}),
            "dtype": computed_in(self.params.dtype),
            **{name: getattr(self.params, name) for name in shaping},
            "seed": self.params.seed if self.samples else None,
            "libraries": {name: library(name) for name in LIBRARIES},
        }

    def hidden_shape(self) -> dict[str, Any]:
        """Return all that shapes what the model sees and its hidden states, whatever it then writes."""
        return {name: value for name, value in self._shape.items() if name not in _WORDS_ONLY}

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield each request with its answer, in batches of exactly equal shape.

        Requests are encoded a few batches ahead of the model, so that memory does not grow with their number.

        Raises:
            InputError: the model does not load, or has no processor for what a request shows.
        """
        refused: list[tuple[Request, Answer]] = []
        with self.engine().vision_cache.kept():
            for batch in self.batches(requests, refused):
                yield from zip([encoded.request for encoded in batch], self.engine().answer(batch), strict=True)
        yield from refused

    def batches(self, requests: Iterable[Request], refused: list[tuple[Request, Answer]]) -> Iterator[list[Encoded]]:
        """Yield the requests, encoded, in batches of exactly equal shape, in any order.

        They are encoded a few batches ahead, so that memory does not grow with their number.

        Args:
            requests: what is asked.
            refused: takes those that the model cannot be asked, with their error answers.

        Raises:
            InputError: the model does not load, or has no processor for what a request shows.
        """
        engine = self.engine()
        waiting: dict[tuple[object, ...], list[Encoded]] = {}
        for request in requests:
            encoded = engine.encode(request)
            if isinstance(encoded, Answer):
                refused.append((request, encoded))
                continue
            alike = waiting.setdefault(encoded.shape, [])
            alike.append(encoded)
            if len(alike) >= self.batch:
                yield waiting.pop(encoded.shape)
            elif _too_many(waiting, 8 * self.batch):
                yield waiting.pop(max(waiting, key=lambda shape: len(waiting[shape])))
        yield from waiting.values()

    def engine(self) -> Engine:
        """Return the loaded model; the first call loads it.

        Raises:
            InputError: it does not load.
        """
        if self._engine is None:
            import torch

            from stages.vlm.engine import Engine

            if self.threads:
                torch.set_num_threads(self.threads)
            device = device_of(self.device)
            # What a GPU sees may differ from one batch to another, and takes it no time; a spread model may be on some.
            sees = journal_key(**self.hidden_shape()) if device == "cpu" and not self.params.device_map else None
            self._engine = Engine.load(self.params, self.base_revision, device, sees)
        return self._engine


def device_of(name: str) -> str:
    """Return a torch device's name; auto is a GPU where there is one.

    Raises:
        InputError: a GPU is asked for and there is none.
    """
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("no GPU here", file="compute.yaml", key="device", do="set device: auto or cpu")
    return name


def _too_many(waiting: dict[tuple[object, ...], list[Encoded]], most: int) -> bool:
    held = [encoded for alike in waiting.values() for encoded in alike]
    return len(held) >= most or sum(encoded.bytes for encoded in held) >= _HELD


@cache  # a millisecond each, which every question of a stage would pay
def library(name: str) -> str | None:
    """Return the version of a library; null where it is not installed."""
    try:
        # The build (+cpu, +cu130) is where it ran, not what was computed.
        return version(name).split("+")[0]
    except ImportError:
        return None
