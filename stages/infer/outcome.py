"""From the answers about one clip to its row of table PREDICTIONS, whatever the strategy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stages.base.schema import UNLISTED
from stages.text.closed import option
from stages.text.named import classes_named
from stages.vlm.base import Answer

#: Raise it when the same answers give another row.
VERSION = 2

YES_NO = ("Yes", "No")
#: Which status a row takes whose answers differ: the first of these that one of them has.
_WORST = ("error", "refused", "missing", "unparsed", "ok")


class Outcome(NamedTuple):
    """A row of PREDICTIONS without its keys; see `base/schema.py`."""

    text: str | None = None
    labels: list[str] | None = None
    classes: list[str] | None = None
    class_scores: list[float | None] | None = None
    status: str = "ok"
    detail: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    tokens_thinking: int | None = None
    ended: str | None = None
    thinking: str | None = None


def described(answer: Answer) -> Outcome:
    """Return the outcome of a free description; it names no class.

    One that was cut counts as it is, and `ended` says so; one of which nothing is left, because it was cut while the
    model was thinking, is `unparsed`.
    """
    empty = answer.status == "ok" and not answer.text.strip() and (answer.cut or answer.thinking is not None)
    return Outcome(
        text=answer.text if answer.status == "ok" else None,
        status="unparsed" if empty else answer.status,
        detail=answer.detail or ("cut before it answered" if empty and answer.cut else None),
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
        tokens_thinking=answer.tokens_thinking,
        ended=answer.ended,
        thinking=answer.thinking,
    )


def listed(answer: Answer, words: Mapping[str, str], many: bool) -> Outcome:
    """Return the outcome of a choice from the list of all classes.

    What the model wrote is the answer; the shares of the options are scores, and there are none unless every option has
    one. With one label a clip (`many` false) it is the class that the answer names, of several the one of the highest
    score, else the first; with several, all that it names (or none, said in so many words). An answer that names no
    class is `unmapped`, an empty one `unparsed`; what named no class stands in `detail`. An answer that was cut is one
    all the same where a class stands whole in it.

    Args:
        answer: of a request whose options, if any, are the classes' words.
        words: class -> how the prompt called it.
        many: a clip may have several labels, or none.
    """
    plain = described(answer)
    if answer.status != "ok":
        return plain
    named = classes_named(answer.text, words, answer.cut)
    classes = sorted(words)
    scores: dict[str, float] = {name: answer.p[words[name]] for name in classes} if answer.p else {}
    outcome = plain._replace(classes=classes, class_scores=list(scores.values())) if scores else plain
    if not answer.text.strip():
        return outcome._replace(status="unparsed", detail=plain.detail or "empty answer")
    odd = f"{UNLISTED}{'; '.join(named.unmapped)}" if named.unmapped else None
    if not named.labels and (named.unmapped or not many):
        odd = odd or f"{UNLISTED}{answer.text.strip()}"
        return outcome._replace(labels=[], status="unmapped", detail=_joined(odd, answer.detail))
    if many:
        return outcome._replace(labels=sorted(named.labels), detail=_joined(odd, answer.detail))
    several = f"names several: {', '.join(named.labels)}" if len(named.labels) > 1 else None
    label = max(named.labels, key=lambda name: scores[name]) if scores else named.labels[0]
    return outcome._replace(labels=[label], detail=_joined(several, odd, answer.detail))


def asked_each(answers: Mapping[str, Answer], many: bool, text: str | None = None) -> Outcome:
    """Return the outcome of a yes/no question for each class.

    An answer that is neither Yes nor No is `unparsed`: its class has no score and is not taken for a No. With one label
    a clip it is the class of the highest p(yes) where every answer that could be read has one, else the only class
    answered Yes; several without a probability to rank them name no class (`unmapped`). With several labels, all that
    were answered Yes. Labels rest on the answers that could be read, and are null where none could. An answer that was
    cut counts where it opens with Yes or No.

    Args:
        answers: class -> its answer.
        many: a clip may have several labels, or none.
        text: the caption that was judged, where it is a caption's.
    """
    classes = sorted(answers)
    said = {name: option(answers[name].text, YES_NO) if answers[name].status == "ok" else None for name in classes}
    yes = [name for name in classes if said[name] == "Yes"]
    scores = {name: (answers[name].p or {}).get("Yes") if said[name] else None for name in classes}
    known = {name: score for name, score in scores.items() if score is not None}
    ranked = bool(known) and len(known) == sum(map(bool, said.values()))
    status, detail = _worst(answers, said)
    labels: list[str] | None = yes
    if not any(said.values()):
        labels = None
    elif not many and ranked:
        labels = [max(known, key=lambda name: known[name])]
    elif not many and len(yes) > 1:
        labels, detail = [], _joined(detail, f"yes to several: {', '.join(yes)}")
        status = "unmapped" if status == "ok" else status
    return Outcome(
        text=text,
        labels=labels,
        classes=classes if known else None,
        class_scores=list(scores.values()) if known else None,
        status=status,
        detail=_joined(detail, _remarks(answers)),
        tokens_in=total(answer.tokens_in for answer in answers.values()),
        tokens_out=total(answer.tokens_out for answer in answers.values()),
        tokens_thinking=total(answer.tokens_thinking for answer in answers.values()),
        ended=ended(answer.ended for answer in answers.values()),
        thinking=thoughts({name: answers[name].thinking for name in classes}),
    )


def _worst(answers: Mapping[str, Answer], said: Mapping[str, str | None]) -> tuple[str, str | None]:
    """Return the status of a row of several answers, and which of them are why."""
    statuses = {
        name: "unparsed" if answer.status == "ok" and said[name] is None else answer.status
        for name, answer in answers.items()
    }
    status = min(statuses.values(), key=_WORST.index)
    bad = [name for name in sorted(statuses) if statuses[name] != "ok"]
    if not bad:
        return status, None
    shown = "; ".join(f"{name}: {_shown(answers[name])}" for name in bad[:3])
    return status, f"{len(bad)} of {len(answers)} answers: {shown}{'; ...' if len(bad) > 3 else ''}"


def _shown(answer: Answer) -> str:
    cut = f" (cut after {answer.tokens_out} tokens)" if answer.cut else ""
    return (answer.detail if answer.status != "ok" else None) or f"{answer.text[:80]}{cut}"


def _remarks(answers: Mapping[str, Answer]) -> str | None:
    """Return what is to be known of answers that count, each remark once."""
    remarks = Counter(answer.detail for answer in answers.values() if answer.status == "ok" and answer.detail)
    return "; ".join(f"{count} of {len(answers)} answers: {remark}" for remark, count in remarks.items()) or None


def _joined(*details: str | None) -> str | None:
    return "; ".join(filter(None, details)) or None


def ended(reasons: Iterable[str | None]) -> str | None:
    """Return why a row's answers ended: length where one was cut, else the first reason that is no stop."""
    known = sorted({reason for reason in reasons if reason is not None}, key=lambda one: (one != "length", one))
    return next((reason for reason in known if reason != "stop"), known[0] if known else None)


def thoughts(by_answer: Mapping[str, str | None]) -> str | None:
    """Return what a model thought before each of a row's answers, under its name; null where it did not."""
    return "\n\n".join(f"{name}: {thought}" for name, thought in by_answer.items() if thought) or None


def total(counts: Iterable[int | None]) -> int | None:
    """Return the sum of the counts that are known; null where none is."""
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
