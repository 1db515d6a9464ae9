"""One small file a data set: how it names its clips. The file's name is the adapter's name in params/datasets.

A new data set is a new file here with two names in it, and a third where the classes are known beforehand:

    GRAMMAR = "{subject}_{class}.avi"                  # shown to whoever has a file that does not parse

    def parse(name: str) -> Named | None: ...           # pure; None where the name is not in the grammar

    CLASSES = frozenset({"walk", "run"})                # optional: another label is an error of its clip

Where labels are in published lists, `parse` says which video a name is, and a third name reads the lists:

    def annotated(folder: Path) -> Annotations: ...     # see stages/annotated
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from stages.annotated.base import Annotations
from stages.base.errors import InputError


class Named(NamedTuple):
    """What a clip's name says. A null is what the grammar does not tell."""

    clip_id: str
    """Unique in the data set."""
    labels: tuple[str, ...]
    """Sorted; one element where the data set is single-label."""
    subject: str | None = None
    camera: str | None = None
    group: str | None = None
    """What must not straddle a split beside the subject: a recording or sequence."""
    narration: str | None = None
    """A sentence that tells the clip, where the taxonomy of its classes has some (see `stages/taxonomy`)."""
    part: str | None = None
    """train or test, where the name tells it: protocol `given`."""


class Adapter(NamedTuple):
    """An adapter's file, loaded."""

    name: str
    grammar: str
    parse: Callable[[str], Named | None]
    """From a clip's path below its folder, with `/` and without a video's suffix."""
    classes: frozenset[str] | None
    """The data set's classes; null takes those that occur."""
    annotated: Callable[[Path], Annotations] | None = None
    """What published lists say of clips, from their folder, where labels are not in names."""


def load(name: str) -> Adapter:
    """Return an adapter by its file's name.

    Raises:
        InputError: there is no such file.
    """
    known = sorted(module.name for module in pkgutil.iter_modules(__path__))
    if name not in known:
        raise InputError(
            f"no adapter {name!r}, there are {', '.join(known)}",
            key="ingest.adapter",
            do=f"correct the name, or write stages/ingest/adapters/{name}.py (its __init__.py says how)",
        )
    module = importlib.import_module(f"{__name__}.{name}")
    return Adapter(
        name, module.GRAMMAR, module.parse, getattr(module, "CLASSES", None), getattr(module, "annotated", None)
    )
