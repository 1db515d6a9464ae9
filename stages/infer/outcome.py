"""From the answers about one clip to its row of table PREDICTIONS, whatever the strategy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from stages.base.schema import UNLISTED
from stages.infer.parse import classes_named
from stages.text.closed import option
from stages.vlm.base import Answer

#: Raise it when the same answers give another row.
VERSION = 1

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


def described(answer: Answer) -> Outcome:
    """Return the outcome of a free description; it names no class."""
    return Outcome(
        text=answer.text if answer.status == "ok" else None,
        status=answer.status,
        detail=answer.detail,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
    )


def listed(answer: Answer, words: Mapping[str, str], many: bool) -> Outcome:
    """Return the outcome of a choice from the list of all classes.

    With one label a clip (`many` false) it is the class of the highest score where the back end weighed the options,
    else the first class that the answer names; with several, all that it names (or none, said in so many words).
    An answer that names no class is `unmapped`, an empty one `unparsed`; what named no class stands in `detail`.

    Args:
        answer: of a request whose options, if any, are the classes' words.
        words: class -> how the prompt called it.
        many: a clip may have several labels, or none.
    """
    plain = described(answer)
    if answer.status != "ok":
        return plain
    named = classes_named(answer.text, words)
    classes = sorted(words)
    scores: list[float | None] | None = [answer.p[words[name]] for name in classes] if answer.p else None
    outcome = plain._replace(classes=classes if scores else None, class_scores=scores)
    if not answer.text.strip():
        return outcome._replace(status="unparsed", detail="empty answer")
    detail = f"{UNLISTED}{'; '.join(named.unmapped)}" if named.unmapped else None
    if not named.labels and (named.unmapped or not many):
        return outcome._replace(labels=[], status="unmapped", detail=detail or f"{UNLISTED}{answer.text.strip()}")
    if many:
        return outcome._replace(labels=sorted(named.labels), detail=detail)
    several = f"names several: {', '.join(named.labels)}" if len(named.labels) > 1 else None
    label = _highest(classes, scores) or named.labels[0]
    return outcome._replace(labels=[label], detail="; ".join(filter(None, [several, detail])) or None)


def asked_each(answers: Mapping[str, Answer], many: bool, text: str | None = None) -> Outcome:
    """Return the outcome of a yes/no question for each class.

    An answer that is neither Yes nor No is `unparsed`: its class has no score and is not taken for a No. With one label
    a clip it is the class of the highest p(yes) where the back end gives it, else the only class answered Yes; several
    without a probability to rank them name no class (`unmapped`). With several labels, all that were answered Yes.
    Labels rest on the answers that could be read, and are null where none could.

    Args:
        answers: class -> its answer.
        many: a clip may have several labels, or none.
        text: the caption that was judged, where it is a caption's.
    """
    classes = sorted(answers)
    said = {name: option(answers[name].text, YES_NO) if answers[name].status == "ok" else None for name in classes}
    yes = [name for name in classes if said[name] == "Yes"]
    scores = [(answers[name].p or {}).get("Yes") if said[name] else None for name in classes]
    status, detail = _worst(answers, said)
    weighed = [name for name, score in zip(classes, scores, strict=True) if score is not None]
    labels: list[str] | None = yes
    if not any(said.values()):
        labels = None
    elif not many and weighed:
        labels = [_highest(classes, scores) or ""]
    elif not many and len(yes) > 1:
        labels, detail = [], "; ".join(filter(None, [detail, f"yes to several: {', '.join(yes)}"]))
        status = "unmapped" if status == "ok" else status
    return Outcome(
        text=text,
        labels=labels,
        classes=classes if weighed else None,
        class_scores=scores if weighed else None,
        status=status,
        detail=detail,
        tokens_in=_total(answer.tokens_in for answer in answers.values()),
        tokens_out=_total(answer.tokens_out for answer in answers.values()),
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
    shown = "; ".join(f"{name}: {answers[name].detail or answers[name].text[:80]}" for name in bad[:3])
    return status, f"{len(bad)} of {len(answers)} answers: {shown}{'; ...' if len(bad) > 3 else ''}"


def _highest(classes: list[str], scores: list[float | None] | None) -> str | None:
    """Return the class of the highest score, the first of several; None where there are no scores."""
    known = [(score, name) for name, score in zip(classes, scores or [], strict=bool(scores)) if score is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
