"""Metric `judge`: a VLM sees image, reference and prediction and answers True or False.

"Vision Language Models for Dynamic Human Activity Recognition in Healthcare Settings", section 4.1 (VLM-as-Judge). It
will not catch what the reference caption gets wrong too, for the judge reads it, nor what shows in no keyframe; and a
judge that wrote the answers or the references is no independent one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import PositiveInt

from stages.base.errors import InputError, allow
from stages.base.journal import previous
from stages.base.journal.store import Journal, journal_key
from stages.base.params import Params
from stages.base.progress import Progress
from stages.base.schema import JUDGEMENTS
from stages.base.tables import write_table
from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric
from stages.metrics.texts import texts
from stages.text.closed import option
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Answer, Backend, Media, Request, request_key
from stages.vlm.dry import DryJournal, Pretend, keep_speed, to_ask
from stages.vlm.load import load, on_cluster
from stages.vlm.params import RecordedParams, VlmParams
from stages.vlm.prompts import Prompt

if TYPE_CHECKING:
    from stages.vlm.show import Show

#: Raise it when the same answer gives another judgement.
VERSION = 2

PROMPTS = Path(__file__).parent / "prompts"
TRUE_FALSE = ("True", "False")

#: What the journal keeps: answers, and what they say.
_SAID = ("value", "detail", "ended", "thinking", "tokens_thinking")
KINDS = (Answer._fields, _SAID)


class JudgeParams(Params):
    """How texts are judged."""

    prompt: str
    """File in stages/metrics/prompts, without .txt."""
    repeats: PositiveInt
    """How often each text is judged: more than once measures the judge's own variance, where its decoding samples."""
    max_new_tokens: PositiveInt
    """Longest answer in tokens, whatever the judging model's file says."""

    def model(self, judge: VlmParams | None) -> VlmParams:
        """Return the judging model, which the data set's record names.

        Raises:
            InputError: it names nobody.
        """
        if judge is None:
            do = "name a file of params/models as its `judge` in params.yaml, or take `judge` out of `metrics`"
            raise InputError("metric judge, and nobody judges", key="judge", do=do)
        if isinstance(judge, RecordedParams):
            return judge
        return judge.model_copy(update={"max_new_tokens": self.max_new_tokens})


class Text(NamedTuple):
    """A text to judge: a row of PREDICTIONS, by clip and repeat, with the clip's reference caption."""

    clip_id: str
    repeat: int
    reference: str
    prediction: str


class Judgement(NamedTuple):
    """The judge's value for a text: p(True), or 1 and 0 where the back end gives no probability; null with why."""

    clip_id: str
    repeat: int
    value: float | None
    detail: str | None
    journal_key: str | None
    """Null where nothing was asked, or there was no answer: it is asked again then."""
    ended: str | None = None
    """Why the judge's answer ended, as in PREDICTIONS."""
    thinking: str | None = None
    """What the judge thought before it answered."""
    tokens_thinking: int | None = None


def question(prompt: Prompt, text: Text, media: Media, repeat: int) -> Request:
    """Return the question about a text and the clip's image."""
    filled = prompt.fill(reference=text.reference, prediction=text.prediction)
    return Request(filled, media, options=TRUE_FALSE, repeat=repeat, clip_id=text.clip_id)


def verdict(answer: Answer) -> tuple[float | None, str | None]:
    """Return the value of an answer, and why it has none. Anything but True or False is unparsed, not a False."""
    if answer.status != "ok":
        return None, f"{answer.status}: {answer.detail}"
    said = option(answer.text, TRUE_FALSE)
    if said is None:
        cut = f", cut after {answer.tokens_out} tokens" if answer.cut else ""
        return None, f"unparsed: {answer.text[:80]!r}{cut}"
    return (answer.p["True"] if answer.p else float(said == "True")), None


def judge(
    said: Iterable[Text],
    show: Show,
    prompt: Prompt,
    backend: Backend,
    journal: Journal,
    repeats: int = 1,
    tally: Tally | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[Judgement]:
    """Yield the judgements of each text; a window of clips is in memory at a time.

    The k-th of R judgements of a text's repeat r has the repeat r * R + k: draws of the judge count as the method's.
    A clip that cannot be shown has null values.
    """
    tally = tally if tally is not None else Tally()
    by_clip: dict[str, list[Text]] = {}
    for text in said:
        by_clip.setdefault(text.clip_id, []).append(text)
    for window in show.windows(by_clip):
        draws = [(shown, text, draw) for shown in window for text in by_clip[shown.clip_id] for draw in range(repeats)]
        asked: dict[tuple[Text, int], Request] = {
            (text, draw): question(prompt, text, shown.media, draw) for shown, text, draw in draws if shown.media
        }
        keys = {place: judgement_key(backend, request) for place, request in asked.items()}
        missing = {place: request for place, request in asked.items() if keys[place] not in journal}
        tally.asked += len(asked) - len(missing)
        advance(len(draws) - len(missing))
        failed: dict[str, str | None] = {}
        answers = ask_all(backend, missing.values(), journal, advance, tally, window=max(1, len(missing)))
        for place, (_, answer) in zip(missing, answers, strict=True):
            value, detail = verdict(answer)
            if answer.status == "error":
                failed[keys[place]] = detail
            elif keys[place] not in journal:
                about = {name: getattr(answer, name) for name in _SAID[2:]}
                journal.put(keys[place], {"value": value, "detail": detail} | about)
        for shown, text, draw in draws:
            repeat, key = text.repeat * repeats + draw, keys.get((text, draw))
            if key is None or key not in journal:
                why = failed.get(key, shown.why) if key else shown.why
                yield Judgement(text.clip_id, repeat, None, why or "nothing to show", None)
            else:
                yield Judgement(text.clip_id, repeat, **journal.get(key), journal_key=key)


def judgement_key(backend: Backend, request: Request) -> str:
    """Return the journal key of a judgement."""
    return journal_key(judgement=VERSION, question=request_key(backend, request))


def save(path: Path, judgements: Iterable[Judgement], revision: str) -> None:
    """Write table JUDGEMENTS, from which a journal refills itself; `revision` is the judging model's."""
    kept = {one.journal_key: one for one in judgements if one.journal_key}
    rows = (
        {"journal_key": key, "revision": revision} | {name: getattr(one, name) for name in _SAID}
        for key, one in kept.items()
    )
    write_table(path, rows, JUDGEMENTS)


def refill(journal: Journal, path: Path) -> int:
    """Put the judgements of the last run's output into the journal that lacks them; return how many."""
    return previous.refill(journal, path, JUDGEMENTS, lambda row: {name: row[name] for name in _SAID})


def _to_judge(context: Context, voids: list[Row]) -> list[Text]:
    """Return the texts that the judge is asked about; answers without one become rows of `voids`."""
    said = texts(context, voids, references=context.references)
    return [Text(one.clip_id, one.repeat, context.references[one.clip_id], text) for one, text in said]


def _show(context: Context, model: VlmParams, unopened: bool = False) -> Show:
    # Images, for which who reads the list of metrics and asks no judge need not wait.
    from stages.vlm.show import Show

    return Show(context.run, model, unopened)


def rows(context: Context) -> Iterable[Row]:
    """Return the judge's value of each answer, from the journal where it was asked before; write table JUDGEMENTS."""
    found, params = list[Row](), context.block("judge", JudgeParams)
    said = _to_judge(context, found)
    # A judge draws `repeats` times for each repeat of the method: a void answer is as void in each of the draws.
    voids = [row._replace(repeat=row.repeat * params.repeats + draw) for row in found for draw in range(params.repeats)]
    model = params.model(context.judge)
    show, backend = _show(context, model, on_cluster(model)), load(model, context.judged_by)
    journal, file = context.journal("judge", *KINDS), context.run.measures(context.method) / "judgements.parquet"
    refill(journal, file)
    tally, start = Tally(), time.monotonic()
    with Progress(f"judge {context.run.name} {context.method}", len(said) * params.repeats) as progress:
        prompt = Prompt(PROMPTS, params.prompt)
        judged = list(judge(said, show, prompt, backend, journal, params.repeats, tally, progress.advance))
    keep_speed("judge", backend, time.monotonic() - start, tally.computed)
    context.errors += tally.errors
    failed = {f"{one.clip_id}, repeat {one.repeat}": one.detail for one in judged if one.journal_key is None}
    allow(failed, len(judged), context.params.errors, "judgements")
    save(file, judged, backend.revision)
    return [*voids, *(Row(one.clip_id, one.repeat, one.value, detail=one.detail) for one in judged)]


def dry(context: Context) -> list[str]:
    """Return what the judge would be asked, as lines; nothing is asked and written."""
    params = context.block("judge", JudgeParams)
    model = params.model(context.judge)
    pretend, tally = Pretend(load(model, context.judged_by), model), Tally()
    said, prompt = _to_judge(context, []), Prompt(PROMPTS, params.prompt)
    with DryJournal("judge", *KINDS) as journal:
        refill(journal, context.run.measures(context.method) / "judgements.parquet")
        list(judge(said, _show(context, model), prompt, pretend, journal, params.repeats, tally))
    each = f", each {params.repeats} times" if params.repeats > 1 else ""
    return [
        f"{len(said)} texts to judge{each}: {to_ask(tally)}",
        pretend.report(getattr(model, "name", "judge"), "judge"),
    ]


METRIC = Metric(
    name="judge",
    title="Judge",
    about="A VLM that sees clip, reference and answer says that the answer is true.",
    rows=rows,
    threshold=0.5,
    params=JudgeParams,
    judged=True,
    dry=dry,
)
