"""Clips to rows of table PREDICTIONS, through the journal: what it knows is not asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.base.journal import previous
from stages.base.journal.store import Journal
from stages.base.schema import PREDICTIONS
from stages.infer.outcome import Outcome
from stages.infer.strategies import Asking, Clip, OneQuestion
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Answer, Backend, Request
from stages.vlm.show import Show

Row = dict[str, Any]

#: What the journal keeps: answers, and outcomes that are made of several.
KINDS = (Answer._fields, ("row", *Outcome._fields))


def infer(
    show: Show,
    clip_ids: Iterable[str],
    asking: Asking,
    journal: Journal,
    tally: Tally,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Row]:
    """Yield each clip's row without the columns `method` and `revision`, in the order of `clip_ids`.

    A window of clips is in memory at a time. A clip that cannot be shown is a row of status error, and so is one whose
    question had no answer; such a row is not journalled, so that the next run tries again.
    """

    def ask(backend: Backend, requests: Sequence[Request]) -> list[Answer]:
        answers = ask_all(backend, requests, journal, advance, tally, window=max(1, len(requests)))
        return [answer for _, answer in answers]

    for window in show.windows(clip_ids):
        clips = [Clip(shown.clip_id, shown.media) for shown in window if shown.why is None]
        keys = {clip.clip_id: asking.key(clip) for clip in clips}
        outcomes = _known(journal, keys)
        advance(asking.questions * (len(outcomes) + len(window) - len(clips)))
        tally.asked += asking.questions * len(outcomes)
        fresh = [clip for clip in clips if clip.clip_id not in outcomes]
        for clip, outcome in zip(fresh, asking.outcomes(fresh, ask), strict=True):
            outcomes[clip.clip_id] = outcome
            if keys[clip.clip_id] not in journal and outcome.status != "error":
                journal.put(keys[clip.clip_id], {"row": outcome._asdict()})
        for shown in window:
            outcome = outcomes.get(shown.clip_id) or Outcome(status="error", detail=shown.why)
            row = {"clip_id": shown.clip_id, "repeat": 0, **outcome._asdict()}
            yield row | {"prompt_hash": asking.prompt_hash, "journal_key": keys.get(shown.clip_id)}


def _known(journal: Journal, keys: Mapping[str, str]) -> dict[str, Outcome]:
    """Return the outcomes that the journal has whole; where a row's key is its question's, it has the answer."""
    values = {clip_id: journal.get(key) for clip_id, key in keys.items() if key in journal}
    return {clip_id: Outcome(**value["row"]) for clip_id, value in values.items() if "row" in value}


def refill(journal: Journal, path: Path, asking: Asking) -> int:
    """Put the rows of the last run's output into the journal that lacks them; return how many."""

    def kept(row: previous.Row) -> dict[str, Any] | None:
        if row["status"] == "error":
            return None
        if isinstance(asking, OneQuestion):
            return _answer(row, asking)._asdict()
        return {"row": {name: row[name] for name in Outcome._fields}}

    return previous.refill(journal, path, PREDICTIONS, kept)


def _answer(row: Mapping[str, Any], asking: OneQuestion) -> Answer:
    """Return the answer that a row of a single question was made from."""
    words = asking.classes.words if asking.classes else {}
    scores = row["class_scores"]
    p = {words[name]: score for name, score in zip(row["classes"], scores, strict=True)} if scores else None
    none = row["status"] in ("missing", "refused")
    kept = {name: row[name] for name in ("tokens_in", "tokens_out", "tokens_thinking", "ended", "thinking")}
    answer = Answer(row["text"] or "", row["status"] if none else "ok", row["detail"] if none else None, p=p, **kept)
    # What is said of the answer stands behind what its outcome says.
    said = (row["detail"] or "").removeprefix(asking.read(answer).detail or "").removeprefix("; ")
    return answer if none else answer._replace(detail=said or None)
