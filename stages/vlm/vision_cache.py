"""The vision tower looks once at media that many questions show.

Asked class by class, a model is shown the same clip once a class, in batches of equally long questions; most of what
that costs is the tower's work. What it saw of the latest media is therefore kept for the batches that follow. What a
small model saw goes into the journal too, where the other stages that show the same media find it.
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from stages.base.journal.store import Journal, journal_key

#: Bytes of the tower's outputs that are kept, latest media last.
_KEPT = 1 << 29

#: The journal's room, and the only kind of value in it.
ROOM, KIND = "looks", ("tensors",)
#: A look of more bytes is not journalled: a large model's would fill the disk, and its tower is quick on a GPU.
_SMALL = 1 << 18

#: What transformers calls a vision tower; the outermost module of such a name is one.
_TOWERS = ("vision_tower", "vision_model", "visual", "video_tower", "image_tower")


class VisionCache:
    """Stands before a model's vision towers, and keeps what they saw within `kept`, where no weight may change."""

    def __init__(self, model: Any, of: str | None = None) -> None:
        """Stand before a model's towers; `of` is the hash of all that shapes what they see, None: journal nothing."""
        self._model, self._loaded = model, _state(model)
        self._shares = None if of is None else _Shared(of)
        self._journal: _Shared | None = None
        self._keeps = False
        self._shown: list[str] = []
        self._seen: OrderedDict[tuple[object, ...], Any] = OrderedDict()
        self._bytes = 0
        found: list[str] = []
        for name, module in model.named_modules():
            if name.rpartition(".")[2] in _TOWERS and not any(name.startswith(f"{outer}.") for outer in found):
                found.append(name)
                module.forward = self._before(name, module.forward)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep what the towers see until the end."""
        self._keeps = True
        # What `of` names is the model as it was loaded: LoRA put on it since, or a step of training, sees otherwise.
        self._journal = self._shares if _state(self._model) == self._loaded else None
        try:
            yield
        finally:
            self._keeps, self._bytes = False, 0
            self._seen.clear()
            if self._journal is not None:
                self._journal.close()

    @contextmanager
    def at(self, shown: Sequence[str]) -> Iterator[None]:
        """Say what media the requests of a batch show, each by its digest, in the order of the batch's rows."""
        self._shown = list(shown) if self._keeps else []
        try:
            yield
        finally:
            self._shown = []

    def _before(self, tower: str, plain: Any) -> Any:
        def forward(*args: Any, **kwargs: Any) -> Any:
            given, count = (args, kwargs), len(self._shown)
            if not count or not _splits(given, count):
                return plain(*args, **kwargs)
            rows = _split(given, count)
            keys = [(tower, digest, *_shapes(row)) for digest, row in zip(self._shown, rows, strict=True)]
            known = {key: self._shared(key) for key in keys if key not in self._seen}
            new = {key: row for key, row in zip(keys, rows, strict=True) if key in known and known[key] is None}
            if new:
                some, named = _join(list(new.values()))
                out = plain(*some, **named)
                if not _splits(out, len(new)):
                    return out if len(new) == count else plain(*args, **kwargs)
                found = dict(zip(new, _split(out, len(new)), strict=True))
                for key, look in found.items():
                    self._share(key, look)
            else:
                found = {}
            found |= {key: look for key, look in known.items() if look is not None}
            answers = [found[key] if key in found else self._seen[key] for key in keys]
            self._keep(keys, answers)
            return _join(answers)

        return forward

    def _shared(self, key: tuple[object, ...]) -> Any:
        return self._journal.get(key) if self._journal is not None else None

    def _share(self, key: tuple[object, ...], look: Any) -> None:
        if self._journal is not None:
            self._journal.put(key, look)

    def _keep(self, keys: Sequence[tuple[object, ...]], answers: Sequence[Any]) -> None:
        for key, answer in zip(keys, answers, strict=True):
            if key not in self._seen:
                # Its own memory: a view would hold all of its batch.
                self._seen[key] = _each(answer, torch.clone)
                self._bytes += _size(answer)
            self._seen.move_to_end(key)
        while self._bytes > _KEPT:
            self._bytes -= _size(self._seen.popitem(last=False)[1])


class _Shared:
    """What one model saw, in the journal: the bytes of its tensors. Of what nest they are a first look must show."""

    def __init__(self, of: str) -> None:
        self._of = of
        self._like: dict[object, Any] = {}
        self._open: Journal | None = None

    def get(self, key: tuple[object, ...]) -> Any:
        """Return a look; None where it is not known, or none of its tower was seen in this process."""
        like = self._like.get(key[0])
        name = self._name(key)
        if like is None or name not in self._journal():
            return None
        tensors = iter(self._journal().get(name)["tensors"])

        def made(tensor: torch.Tensor) -> torch.Tensor:
            shape, data = next(tensors)
            return torch.frombuffer(bytearray(base64.b64decode(data)), dtype=tensor.dtype).reshape(shape)

        return _each(like, made)

    def put(self, key: tuple[object, ...], look: Any) -> None:
        """Add a look, if it is small."""
        self._like.setdefault(key[0], look)
        name = self._name(key)
        if _size(look) <= _SMALL and name not in self._journal():
            tensors = [
                [list(one.shape), base64.b64encode(one.contiguous().numpy().tobytes()).decode()]
                for one in _tensors(look)
            ]
            self._journal().put(name, {"tensors": tensors})

    def close(self) -> None:
        """Close the journal; it opens again when it is asked."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _journal(self) -> Journal:
        if self._open is None:
            self._open = Journal(ROOM, KIND)
        return self._open

    def _name(self, key: tuple[object, ...]) -> str:
        return journal_key(of=self._of, look=[str(part) for part in key])


def _state(model: Any) -> list[tuple[int, int]]:
    """Return what tells whether a weight was added, taken away or written to since: each one, and torch's count."""
    return [(id(weight), weight._version) for weight in model.parameters()]


def _each(value: Any, change: Any) -> Any:
    """Return a nest of dictionaries (ModelOutput too), lists and tuples with each of its tensors changed."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, dict):
        return type(value)(**{name: _each(inner, change) for name, inner in value.items()})
    if isinstance(value, list | tuple):
        return type(value)([_each(inner, change) for inner in value])
    return value


def _tensors(value: Any) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []

    def note(tensor: torch.Tensor) -> torch.Tensor:
        found.append(tensor)
        return tensor

    _each(value, note)
    return found


def _splits(value: Any, count: int) -> bool:
    return all(tensor.dim() and len(tensor) % count == 0 for tensor in _tensors(value))


def _split(value: Any, count: int) -> list[Any]:
    """Return `count` nests, each with its part of the rows of every tensor."""
    pieces = [tensor.chunk(count) for tensor in _tensors(value)]

    def part(place: int) -> Any:
        own = iter(pieces)
        return _each(value, lambda _: next(own)[place])

    return [part(place) for place in range(count)]


def _join(nests: list[Any]) -> Any:
    """Return one nest, of its own memory, with the rows of all of them: a model may change what its tower gave."""
    parts = [iter(_tensors(nest)) for nest in nests]
    return _each(nests[0], lambda _: torch.cat([next(part) for part in parts]))


def _shapes(value: Any) -> tuple[object, ...]:
    return tuple(tuple(tensor.shape) for tensor in _tensors(value))


def _size(value: Any) -> int:
    return sum(tensor.nbytes for tensor in _tensors(value))
