"""A back end that answers from published generations, so that a published model is just another model.

Formats (FACTS of "Vision Language Models for Dynamic Human Activity Recognition in Healthcare Settings"): a JSON list
of `{clip}_{n}.jpeg--{text}`, `{clip}_{n}.jpg--{text}` (both in one file) or `{clip}.mp4#{text}`; or a JSON object from
clip to text. Texts are kept as they are, prompt leftovers and newlines included.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from stages.base.errors import InputError
from stages.base.paths import fetch
from stages.base.tables import read_json
from stages.base.unicode import well_formed
from stages.vlm.base import Answer, Request

#: Raise it when the same file gives other texts.
VERSION = 1

#: Problems of a file that are printed; what more there are is counted.
_PRINTED = 20

_ENTRY = re.compile(r"(?P<clip>.+?)(?:_\d+\.jpe?g--|\.mp4#)(?P<text>.*)", re.DOTALL)


class Problem(NamedTuple):
    """An entry that did not become a text of its own; `entry` is its place in the file, from 0, or its key."""

    file: str
    entry: str
    kind: str
    detail: str


class Generations(NamedTuple):
    """The texts of one published file by clip, and what in the file is no text."""

    texts: dict[str, str]
    problems: list[Problem]


def clip_name(name: str) -> str:
    """Return a clip's name in this repository's spelling: the official lists write `Cook.Cleandishes` for
    `Cook_Cleandishes`.
    """
    activity, mark, rest = name.partition("_p")
    return activity.replace(".", "_") + mark + rest


def read_generations(path: Path) -> Generations:
    """Return the texts of a published file.

    The first of several entries of one clip counts; the others are problems: `duplicate` where the text is the same,
    `conflict` where it differs. An entry without separator or whose text is no string is `unparsed`.

    Raises:
        InputError: the file is missing, is no JSON (it may be cut short), or is neither a list nor an object.
    """
    content = read_json(path)
    if isinstance(content, dict):
        entries: list[tuple[str, Any, Any]] = [(key, key, text) for key, text in content.items()]
    elif isinstance(content, list):
        entries = [(str(place), *_split(entry)) for place, entry in enumerate(content)]
    else:
        raise InputError(
            f"expected a list or an object, found {type(content).__name__}", file=path, do="fetch it again"
        )
    texts: dict[str, str] = {}
    problems = []
    for place, name, text in entries:
        if not isinstance(name, str) or not isinstance(text, str):
            shown = text if name is None else name
            problems.append(Problem(path.name, place, "unparsed", f"no clip and text in {str(shown)[:80]!r}"))
            continue
        clip = clip_name(name)
        if clip in texts:
            kind = "duplicate" if texts[clip] == text else "conflict"
            problems.append(Problem(path.name, place, kind, f"{clip} stands in the file already; the first counts"))
            continue
        texts[clip] = well_formed(text)
    return Generations(texts, problems)


def unused(path: Path, clips: Collection[str]) -> list[Problem]:
    """Return the entries of a published file that give none of `clips` a text, in the file's order by kind.

    Those are its problems, and texts of clips that the data set does not have: `unknown_clip`.

    Raises:
        InputError: as `read_generations` does.
    """
    texts, problems = read_generations(path)
    strangers = (clip for clip in texts if clip not in clips)
    unknown = [Problem(path.name, clip, "unknown_clip", "no such clip in the manifest") for clip in strangers]
    return problems + unknown


def tell(stage: str, problems: Sequence[Problem]) -> str:
    """Print the first problems, a line each; return their number by kind for a closing line, empty without any."""
    for problem in problems[:_PRINTED]:
        print(f"{stage}: warning: {problem.file}, entry {problem.entry}: {problem.kind}: {problem.detail}")
    if len(problems) > _PRINTED:
        print(f"{stage}: warning: and {len(problems) - _PRINTED} more such entries of {problems[0].file}")
    kinds = Counter(problem.kind for problem in problems)
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"; {len(problems)} entries of {problems[0].file} not used ({counted})" if problems else ""


def _split(entry: Any) -> tuple[str | None, Any]:
    """Split a list entry into clip and text; the clip is None where it does not parse."""
    match = _ENTRY.fullmatch(entry) if isinstance(entry, str) else None
    return (match["clip"], match["text"]) if match else (None, entry)


class Recorded:
    """Back end over one published file; a clip that is not in the file has the status `missing`."""

    #: Asked again, it says the same.
    samples = False

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def revision(self) -> str:
        """The file's hash: it is the model's revision, as far as anybody can know it."""
        try:
            return hashlib.md5(self.path.read_bytes(), usedforsecurity=False).hexdigest()
        except FileNotFoundError:
            raise InputError("no such file", file=self.path, do=fetch(self.path)) from None

    @cached_property
    def generations(self) -> Generations:
        """The file's content."""
        return read_generations(self.path)

    def shape(self) -> dict[str, Any]:
        """Return what shapes an answer: the file and how it is read."""
        return {"backend": "recorded", "revision": self.revision, "version": VERSION}

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[Request, Answer]]:
        """Yield the recorded text of each request's clip, whatever was asked."""
        for request in requests:
            text = self.generations.texts.get(request.clip_id or "")
            if text is None:
                yield request, Answer("", "missing", f"{request.clip_id} is not in {self.path.name}")
            else:
                yield request, Answer(text)
