"""A sample of HHIRChat, read from JSON with every doubt told: which key, what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from stages.base.unicode import well_formed
from stages.chat.media import tracked
from stages.chat.turns import GPT, HUMAN, P1, P2, Turn

VIDEOS = ("p1", "p2", "bg")
KEYS = frozenset({"id", *VIDEOS, "conversations"})


class Wrong(Exception):
    """A sample is unusable: which key, and why."""

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"key {key!r}: {what}")


class Sample(NamedTuple):
    """A row of table HHIRCHAT."""

    row: int
    id: int | None = None
    p1: str | None = None
    p2: str | None = None
    bg: str | None = None
    conversations: list[Turn] | None = None
    error: str | None = None

    def written(self) -> dict[str, Any]:
        """Return the row as the table has it."""
        said = [{"from": turn.speaker, "value": turn.value} for turn in self.conversations or ()]
        return {**self._asdict(), "conversations": said if self.conversations is not None else None}

    def shown(self) -> dict[str, Any]:
        """Return the sample as the paper's JSON has it."""
        return {name: value for name, value in self.written().items() if name in KEYS}


def parsed(row: int, value: Any, data: Path, taken: Mapping[int, int]) -> Sample:
    """Return an entry of a JSON file; one that cannot be used has its error, and what is known of it.

    Args:
        row: its place in the file, from 0.
        value: the entry.
        data: folder below which its videos must be.
        taken: ids of the entries before it, each with its row.
    """
    found: dict[str, Any] = {}
    try:
        if not isinstance(value, dict):
            raise Wrong("row", f"expected an object with {', '.join(sorted(KEYS))}")
        if lacking := sorted(KEYS - value.keys()):
            raise Wrong(lacking[0], "is missing")
        if strange := sorted(value.keys() - KEYS):
            raise Wrong(str(strange[0]), "is no key of a sample")
        found["id"] = _number(value["id"])
        for name in VIDEOS:
            found[name] = _video(name, value[name], data)
        found["conversations"] = _turns(value["conversations"])
        if found["id"] in taken:
            raise Wrong("id", f"row {taken[found['id']]} has id {found['id']} already")
    except Wrong as error:
        return Sample(row, **found, error=str(error))
    return Sample(row, **found)


def _number(said: Any) -> int:
    if type(said) is not int or not 0 <= said < 2**63:
        raise Wrong("id", f"{said!r:.40} is no whole number from 0")
    return said


def _video(name: str, said: Any, data: Path) -> str:
    if not isinstance(said, str) or not said.strip() or "\0" in said:
        raise Wrong(name, f"{said!r:.80} is no path of a video")
    path = well_formed(said)
    if why := outside(path, data):
        raise Wrong(name, why)
    return path


def outside(path: str, data: Path) -> str | None:
    """Say why a path, as a sample has it, is not below the data folder; None where it is."""
    file = tracked(path).file
    pure = PurePosixPath(file)
    if pure.is_absolute() or "\\" in file or ".." in pure.parts or file[1:2] == ":":
        return f"{path!r} is outside of the data folder: name it from {data}, without .."
    root = data.resolve()
    if not (root / file).resolve().is_relative_to(root):
        return f"{path!r} is a link that leads out of the data folder {data}"
    return None


def _turns(said: Any) -> list[Turn]:
    if not isinstance(said, list):
        raise Wrong("conversations", "expected a list of turns")
    turns = []
    for place, one in enumerate(said):
        key = f"conversations[{place}]"
        if not isinstance(one, dict) or set(one) != {"from", "value"}:
            raise Wrong(key, "expected an object of `from` and `value`, and no more")
        speaker, value = one["from"], one["value"]
        if speaker not in (HUMAN, GPT):
            raise Wrong(f"{key}.from", f"{speaker!r:.40} speaks, expected {HUMAN} or {GPT}")
        if speaker != (HUMAN, GPT)[place % 2]:
            raise Wrong(
                f"{key}.from", f"{speaker} speaks again: a question and its answer take turns, a question first"
            )
        if not isinstance(value, str) or not value.strip():
            raise Wrong(f"{key}.value", "says nothing")
        turns.append(Turn(speaker, well_formed(value)))
    if len(turns) < 4 or len(turns) % 2:
        have = f"{len(turns)} messages" if turns else "no message"
        raise Wrong("conversations", f"{have}, expected a question with its answer, at least twice: turns are missing")
    if absent := [mark for mark in (P1, P2) if mark not in turns[0].value]:
        raise Wrong("conversations[0].value", f"does not mention {' and '.join(absent)}")
    return turns
