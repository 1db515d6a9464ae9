"""A training run's state outside the outputs, beside the journal: what is written is written whole.

A run is `<room>/<key>` under the journal's folder (rooms: learn, pretrain), the key being the hash of everything that
shapes it. While it trains there are `state.pt` (the last saved step), `state.old.pt` (the one before) and, where it is
validated, `best.pt`; when it is finished only `done.pt`, from which the same run asked for again comes at once. Next to
each is its hash, `<file>.sum`: a file that a disk changed is not trained from. `python -m stages.base.journal.prune`
keeps the rooms whole: remove their folders by hand.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import torch

from stages.base.errors import keeps
from stages.base.journal.store import root

State = dict[str, Any]
Weights = dict[str, torch.Tensor]


class Checkpoint:
    """The files of one run."""

    def __init__(self, room: str, key: str) -> None:
        self.folder = root() / room / key
        keeps("training goes on from its last checkpoint")

    def load(self, name: str) -> State | None:
        """Return what was saved, on the CPU; None where nothing was, or a damaged file, which is left aside."""
        path = self._path(name)
        if not path.exists():
            return None
        try:
            known = _hashes(path)
            if _digest(path) not in known:
                raise ValueError("its hash is not the one that was saved with it" if known else "its hash is missing")
            state: State = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:
            print(f"left aside, training starts earlier: {path}: {error}", file=sys.stderr)
            return None
        return state

    def load_state(self, needs: Callable[[State], Collection[str]] = lambda _: ()) -> State | None:
        """Return the last state that can be gone on from; None: from nothing. What is passed over is said.

        `needs` names the other files without which a state is of no use: the best epoch's weights, if it refers to one.
        """
        passed = False
        for name in ("state", "state.old"):
            state = self.load(name)
            lacking = [other for other in needs(state) if self.load(other) is None] if state is not None else []
            if lacking:
                print(f"left aside, {', '.join(lacking)} is not there: {self._path(name)}", file=sys.stderr)
            if state is not None and not lacking:
                if passed:
                    print(f"training goes on from {self._path(name)}", file=sys.stderr)
                return state
            passed = passed or self._path(name).exists()
        if passed:
            print(f"training starts from nothing: no state in {self.folder} is whole", file=sys.stderr)
        return None

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.pt"

    def save(self, name: str, state: State) -> None:
        """Write a state; a process killed meanwhile leaves the one before.

        Raises:
            OSError: the disk is full.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(name)
        part = self.folder / f"{name}.pt.part"
        try:
            with part.open("wb") as stream:
                torch.save(state, stream)
                stream.flush()
                os.fsync(stream.fileno())
        except RuntimeError as error:  # torch's writer does not say why
            free = shutil.disk_usage(self.folder).free
            part.unlink(missing_ok=True)
            if free < sum(value.nbytes for value in _tensors(state)):
                raise OSError(errno.ENOSPC, "no space left", str(part)) from error
            raise
        # Both hashes, until the file is the new one: a process killed in between leaves the old one, which is whole.
        before = [_digest(path)] if path.exists() else []
        _write(_sums(path), "\n".join([_digest(part), *(one for one in before if one in _hashes(path))]))
        os.replace(part, path)

    def keep_old(self, name: str) -> None:
        """Let a file that will be written again remain as `<name>.old`."""
        path, old = self._path(name), self._path(f"{name}.old")
        if not path.exists():
            return
        part = old.with_name(f"{old.name}.part")
        part.unlink(missing_ok=True)
        try:
            os.link(path, part)
        except OSError:  # a file system without links
            shutil.copyfile(path, part)
        _write(_sums(old), "\n".join([*_hashes(path), *_hashes(old)[:1]]))  # the files' names change hands last
        os.replace(part, old)

    def drop(self, *names: str) -> None:
        """Remove files that are no longer needed."""
        for name in names:
            for path in (self._path(name), _sums(self._path(name))):
                path.unlink(missing_ok=True)


def _sums(path: Path) -> Path:
    """Return where the hash of a file is: of the file, and below it of the one that it replaces."""
    return path.with_name(f"{path.name}.sum")


def _hashes(path: Path) -> list[str]:
    """Return the hashes that are known of a file; none of a damaged or missing list."""
    return _sums(path).read_text(errors="replace").split() if _sums(path).exists() else []


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    with part.open("w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(part, path)


def _tensors(value: Any) -> list[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [tensor for item in inner for tensor in _tensors(item)]
