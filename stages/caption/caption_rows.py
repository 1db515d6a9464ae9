"""Clips to rows of table CAPTIONS, through the journal: what it knows is not asked again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.base.errors import GateError, InputError, some
from stages.base.journal import previous
from stages.base.journal.store import Journal
from stages.base.schema import CAPTIONS
from stages.base.tables import read_json
from stages.caption.loop import Caption, Clip, Rules, caption_all, caption_key
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Answer, Backend, Request
from stages.vlm.show import Show

Row = dict[str, Any]

#: The columns that a journalled row keeps: what the clip, the model and the rules made.
_MADE = ("text", "attempts", "keywords", "ended", "thinking", "tokens_thinking", "prompt_hash")

#: What the journal keeps: answers, and the captions that they led to.
KINDS = (Answer._fields, ("row", *_MADE))


def read_keywords(path: Path, labels: Collection[str]) -> dict[str, list[str]]:
    """Return the keywords of each class.

    Raises:
        InputError: the file is not there, or a label has no keywords.
    """
    classes: dict[str, list[str]] = read_json(path)["classes"]
    bare = sorted(label for label in labels if not any(classes.get(label, [])))
    if bare:
        raise InputError(
            "a class without keywords", file=path, key=", ".join(bare), do="add some: the check needs them"
        )
    return classes


def captions(
    show: Show,
    keywords: Mapping[str, Sequence[str]],
    rules: Rules,
    backend: Backend,
    journal: Journal,
    tally: Tally,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[tuple[Row, str | None]]:
    """Yield each usable clip's row without the model's columns, in the order of clip ids, and why it does not pass.

    A window of clips is in memory at a time. A caption that does not pass is not journalled as a row.
    """

    def ask(requests: list[Request]) -> list[Answer]:
        answers = ask_all(backend, requests, journal, tally=tally, window=max(1, len(requests)))
        return [answer for _, answer in answers]

    for window in show.windows(sorted(show.labels)):
        clips = [
            Clip(shown.clip_id, shown.media, {label: keywords[label] for label in show.labels[shown.clip_id]})
            for shown in window
            if shown.why is None
        ]
        keys = {clip.clip_id: caption_key(backend, clip, rules) for clip in clips}
        rows = {clip_id: journal.get(key)["row"] for clip_id, key in keys.items() if key in journal}
        tally.asked += sum(row["attempts"] for row in rows.values())
        written = caption_all([clip for clip in clips if clip.clip_id not in rows], rules, ask)
        for clip_id, caption in written.items():
            rows[clip_id] = _made(caption)
            if caption.why is None and keys[clip_id] not in journal:
                journal.put(keys[clip_id], {"row": rows[clip_id]})
        for shown in window:
            why = written[shown.clip_id].why if shown.clip_id in written else shown.why
            yield {"clip_id": shown.clip_id, **rows.get(shown.clip_id, {}), "journal_key": keys.get(shown.clip_id)}, why
        advance(len(window))


def _made(caption: Caption) -> Row:
    made = {name: getattr(caption, name) for name in _MADE}
    return made | {"text": caption.text or None}  # no answer is no caption


def gate(failed: Mapping[str, str], clips: int) -> None:
    """Refuse captions of which some have no keyword of their class: `failed` says of each clip why.

    Raises:
        GateError: there are such; it names the first twenty.
    """
    if failed:
        listed = some([f"{clip} ({why})" for clip, why in failed.items()], 20)
        raise GateError(
            f"{len(failed)} of {clips} clips have no caption with a keyword of their class:\n{listed}\n"
            "  what to do: more attempts, other keywords or another model; the answers so far are in the journal"
        )


def refill(journal: Journal, path: Path) -> int:
    """Put the rows of the last run's output into the journal that lacks them; return how many.

    A row without a text and without a word on why its answer ended may have been an error, which is asked again.
    """

    def kept(row: previous.Row) -> dict[str, Any] | None:
        error = row["text"] is None and row["ended"] is None
        return None if error else {"row": {name: row[name] for name in _MADE}}

    return previous.refill(journal, path, CAPTIONS, kept)
