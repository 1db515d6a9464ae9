"""Metric `prompted_class`: a text model reads a free answer and says which of the N classes it describes.

"OV-HHIR" (Ray et al.), section III.A, makes a class of an open answer so; its prompt is open. The text model is the
one that the data set's record names as `judge`; it sees no clip. It will not help an answer that describes nothing of
the list: where the text model's words fit no class, the answer is unmapped, which is wrong and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import PositiveInt

from stages.base.errors import InputError, allow
from stages.base.journal import previous
from stages.base.params import Params
from stages.base.progress import Progress
from stages.base.schema import CHOICES, UNLISTED
from stages.base.tables import write_table
from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric
from stages.metrics.texts import texts
from stages.text.named import classes_named
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Answer, Request
from stages.vlm.dry import DryJournal, Pretend, to_ask
from stages.vlm.load import load
from stages.vlm.params import RecordedParams, VlmParams
from stages.vlm.prompts import Prompt

PROMPTS = Path(__file__).parent / "prompts"
#: What the journal keeps of an answer, and the table too.
_KEPT = tuple(name for name in Answer._fields if name != "p")


class PromptedClass(Params):
    """How a text model is asked for the class of a text."""

    prompt: str = "choose"
    """File in stages/metrics/prompts, without .txt."""
    max_new_tokens: PositiveInt = 16
    """Longest answer in tokens, whatever the text model's file says."""

    def model(self, judge: VlmParams | None) -> VlmParams:
        """Return the text model, which the data set's record names.

        Raises:
            InputError: it names nobody, or published answers, which nobody can be asked.
        """
        if judge is None or isinstance(judge, RecordedParams):
            do = "name a file of params/models as its `judge` in params.yaml, or take `prompted_class` out of `metrics`"
            raise InputError("metric prompted_class, and nobody can be asked", key="judge", do=do)
        return judge.model_copy(update={"max_new_tokens": self.max_new_tokens})


def prompted_class(answer: Answer, words: Mapping[str, str]) -> tuple[float | None, str | None, str | None]:
    """Return value, class and why there is none, from the text model's answer.

    The value is 1 where it names a class (of several the first); 0, without a class, where its words fit none
    (unmapped) or it refuses; null where there is no answer.
    """
    if answer.status in ("error", "missing"):
        return None, None, f"{answer.status}: {answer.detail}"
    if answer.status != "ok":
        return 0.0, None, answer.status
    named = classes_named(answer.text, words, answer.cut)
    if not named.labels:
        return 0.0, None, f"unmapped: {UNLISTED}{answer.text.strip()[:80]}"
    several = f"names several: {', '.join(named.labels)}" if len(named.labels) > 1 else None
    return 1.0, named.labels[0], several


def rows(context: Context) -> Iterable[Row]:
    """Return the class of each answer, from the journal where its text was asked about before; write table CHOICES."""
    found, params = list[Row](), context.block("prompted_class", PromptedClass)
    said = list(texts(context, found))
    backend = load(params.model(context.judge), context.judged_by)
    journal, file = context.journal("choose", Answer._fields), context.run.measures(context.method) / "choices.parquet"
    previous.refill(journal, file, CHOICES, lambda row: {name: row[name] for name in _KEPT} | {"p": None})
    tally = Tally()
    with Progress(f"choose {context.run.name} {context.method}", len(said)) as progress:
        answers = list(
            ask_all(backend, _questions(context, params, [t for _, t in said]), journal, progress.advance, tally)
        )
    context.errors += tally.errors
    failed = {
        one.clip_id: answer.detail
        for (one, _), (_, answer) in zip(said, answers, strict=True)
        if answer.status == "error"
    }
    allow(failed, len(said), context.params.errors, "choices of a class")
    kept: dict[str, dict[str, Any]] = {
        key: {name: getattr(answer, name) for name in _KEPT} | {"journal_key": key, "revision": backend.revision}
        for key, answer in answers
        if answer.status != "error"
    }
    write_table(file, kept.values(), CHOICES)
    words = context.class_list.words
    return found + [
        Row(one.clip_id, one.repeat, *prompted_class(answer, words))
        for (one, _), (_, answer) in zip(said, answers, strict=True)
    ]


def _questions(context: Context, params: PromptedClass, said: Iterable[str]) -> Iterable[Request]:
    """Yield a question a text: equal texts are one question, whatever clip they are of."""
    prompt, classes = Prompt(PROMPTS, params.prompt), list(context.class_list.words.values())
    return (Request(prompt.fill(text=text, classes=classes)) for text in said)


def dry(context: Context) -> list[str]:
    """Return what the text model would be asked, as lines; nothing is asked and written."""
    params = context.block("prompted_class", PromptedClass)
    model = params.model(context.judge)
    pretend, tally = Pretend(load(model, context.judged_by), model), Tally()
    said = [text for _, text in texts(context, [])]
    with DryJournal("choose", Answer._fields) as journal:
        list(ask_all(pretend, _questions(context, params, said), journal, tally=tally))
    name = getattr(model, "name", "the text model")
    return [f"{len(said)} texts to find a class of: {to_ask(tally)}", pretend.report(name, "choose")]


METRIC = Metric(
    name="prompted_class",
    title="Class by a text model",
    about="A text model that reads the answer says that it describes the clip's class.",
    rows=rows,
    names="class",
    counts_unmapped=True,
    counts_unseen=True,
    params=PromptedClass,
    default=PromptedClass(),
    dry=dry,
)
