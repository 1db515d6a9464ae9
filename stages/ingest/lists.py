"""Lists of clips that others published: as a protocol of its own, or to agree with clip by clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from stages.base.errors import InputError
from stages.ingest.adapters import Adapter, Named
from stages.ingest.protocols import Part
from stages.ingest.sources import bare, read_names

#: The rule of a published list as a protocol.
RULE = "Published list: its clips test; the clips that {of} trains and validates on, less the listed ones, do so here."


class Listed(NamedTuple):
    """What a list names."""

    file: str
    clips: dict[str, Named]
    """By clip id, in this repository's spelling."""
    twice: list[str]
    """Clip ids that the list has more than once."""
    unparsed: list[str]
    """Entries that are not in the grammar."""


def read_list(path: Path, adapter: Adapter) -> Listed:
    """Return the clips of a list.

    Raises:
        InputError: the file is missing, cut short or names no clip.
    """
    entries = read_names(path)
    parsed = {entry: adapter.parse(bare(entry)) for entry in entries}
    clips = {named.clip_id: named for named in parsed.values() if named}
    if not clips:
        raise InputError("the list names no clip", file=path, do=f"expected names as {adapter.grammar}")
    count = Counter(named.clip_id for entry in entries if (named := parsed[entry]))
    twice = sorted(clip_id for clip_id, times in count.items() if times > 1)
    return Listed(str(path), clips, twice, [entry for entry, named in parsed.items() if named is None])


def published(usable: set[str], of: Iterable[Part], test: Listed) -> Iterator[Part]:
    """Yield the parts of a published test list that follows the protocol `of`; see `RULE`."""
    listed = test.clips.keys() & usable
    for clip_id in listed:
        yield Part("", clip_id, "test")
    for part in of:
        if part.clip_id not in listed and part.part != "test":
            yield part
