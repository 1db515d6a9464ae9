"""The metrics by name, each a function from a context to rows of MEASURES. A new metric is a file and a line here.

What every metric of texts does with an answer that has none:

- missing (no answer exists): no row, so that the score counts the clip as not measured;
- error (the back end failed): a row with a null value that says why, so that the score leaves it out and counts it;
- refused, or a blank text: value 0 and why. The model was asked and did not say: that is wrong, not left out.

A closed answer without a text, such as a trained model's, gets no row: there is nothing to read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from stages.base.errors import InputError, allow
from stages.base.progress import Progress
from stages.measure import (
    bertscore,
    invented,
    keyword,
    keyword_word,
    label,
    label_set,
    nearest_class,
    similarity,
    truth,
)
from stages.measure import judge as judging
from stages.measure.context import Answer, Context, Row
from stages.measure.params import Name
from stages.text.model import model_folder
from stages.text.vectors import class_means
from stages.vlm.ask import Tally
from stages.vlm.dry import DryJournal, Pretend, keep_speed, to_ask
from stages.vlm.load import load
from stages.vlm.prompts import Prompt
from stages.vlm.show import Show

Metric = Callable[[Context], Iterable[Row]]

NO_REFERENCE = "the clip has no reference caption"

#: Pairs of vectors compared at once.
_WINDOW = 8192


def void(answer: Answer) -> Row | None:
    """Return the row of an answer that has no text to measure; None where it has one."""
    if answer.status == "error":
        return Row(answer.clip_id, answer.repeat, None, detail=f"error: {answer.detail}")
    if answer.status == "refused" or not (answer.text or "").strip():
        why = "empty text" if answer.status == "ok" else answer.status
        return Row(answer.clip_id, answer.repeat, 0.0, detail=why)
    return None


def texts(context: Context, voids: list[Row], references: bool = False) -> Iterator[tuple[Answer, str]]:
    """Yield the answers that have a text, with it; put the rows of the others into `voids`.

    With `references`, also an answer for a clip without reference caption is void: its value is null.
    """
    for answer in context.answers:
        closed = answer.text is None and answer.labels is not None
        if answer.status == "missing" or closed:
            continue
        row = void(answer)
        if references and answer.clip_id not in context.references:
            row = Row(answer.clip_id, answer.repeat, None, detail=NO_REFERENCE)
        if row:
            voids.append(row)
        else:
            yield answer, answer.text or ""


def _keywords(scorer: Callable[[str, list[str]], float]) -> Metric:
    def metric(context: Context) -> Iterable[Row]:
        rows: list[Row] = []
        for name in context.classes:
            context.keywords(name)  # a class that has none is an error, whichever classes the answers are about
        for answer, text in texts(context, rows):
            # A clip with several labels must be told with a keyword of each.
            values = [scorer(text, context.keywords(name)) for name in context.labels[answer.clip_id]]
            value, why = (min(values), None) if values else (None, "the clip has no label")
            rows.append(Row(answer.clip_id, answer.repeat, value, detail=why))
        return rows

    return metric


def _similarity(context: Context) -> Iterable[Row]:
    rows: list[Row] = []
    said = list(texts(context, rows, references=True))
    answers = context.sentences.rows([text for _, text in said])
    references = context.sentences.rows([context.references[answer.clip_id] for answer, _ in said])
    vectors = context.sentences.vectors
    for start in range(0, len(said), _WINDOW):
        part = slice(start, start + _WINDOW)
        values = similarity.similarity(vectors[answers[part]], vectors[references[part]])
        rows += [
            Row(answer.clip_id, answer.repeat, float(value))
            for (answer, _), value in zip(said[part], values, strict=True)
        ]
    return rows


def _nearest_class(context: Context) -> Iterable[Row]:
    rows: list[Row] = []
    said = list(texts(context, rows))
    places = context.sentences.rows([text for _, text in said])
    distinct, of_answer = np.unique(places, return_inverse=True)
    descriptions = _descriptions(context)
    found = nearest_class.nearest_class(context.sentences.vectors[distinct], context.classes, descriptions)
    for (answer, _), index in zip(said, of_answer, strict=True):
        rows.append(Row(answer.clip_id, answer.repeat, float(found.cosines[index]), found.labels[index]))
    return rows


def _descriptions(context: Context) -> np.ndarray:
    """Return what `nearest_class` compares with: a vector a class, (C, D)."""
    params = context.params.nearest_class
    if params.protocol is None:
        return context.sentences.embed(list(context.class_list.words.values()))
    train = context.train_references(params.protocol)
    labels = {clip_id: context.labels[clip_id] for clip_id in train}
    pairs = [(text, name) for clip_id, text in train.items() for name in labels[clip_id]]
    classes, means = class_means(context.sentences.embed([text for text, _ in pairs]), [name for _, name in pairs])
    if lacking := sorted(set(context.classes) - set(classes)):
        raise InputError(
            f"the train part of protocol {params.protocol} has no reference captions of {', '.join(lacking)}",
            file=context.run.captions,
            do="name a protocol that trains on all classes, or describe classes by their label",
        )
    return means


def _bertscore(context: Context) -> Iterable[Row]:
    params, rows = context.params.bertscore, list[Row]()
    said = list(texts(context, rows, references=True))
    if params.protocol is not None:
        splits = context.splits(params.protocol)
        wanted = set(splits.filter(splits["part"] == "test")["clip_id"])
        said = [(answer, text) for answer, text in said if answer.clip_id in wanted]
        rows = [row for row in rows if row.clip_id in wanted]
    pairs = [bertscore.Pair(text, context.references[answer.clip_id]) for answer, text in said]
    with Progress(f"bertscore {context.run.name} {context.method}", len(set(pairs))) as progress:
        values = bertscore.bertscore(
            pairs,
            model_folder(params.encoder, params.revision),
            params.layer or bertscore.default_layer(params.encoder),
            context.journal("bertscore", bertscore.KIND),
            progress.advance,
            context.params.precision,
        )
    rows += [Row(answer.clip_id, answer.repeat, value) for (answer, _), value in zip(said, values, strict=True)]
    return rows


def _answer(context: Context) -> Iterable[Row]:
    # A method that only describes names no class in any of its answers: it has no rows.
    if all(one.labels is None and one.status not in ("unmapped", "unparsed") for one in context.answers):
        return []
    return [
        Row(one.clip_id, one.repeat, *label.answer(one.labels, one.status, one.detail))
        for one in context.answers
        if one.status != "missing"
    ]


def _labels(context: Context) -> Iterable[Row]:
    if all(one.labels is None and one.status not in ("unmapped", "unparsed") for one in context.answers):
        return []
    rows = []
    for one in context.answers:
        if one.status != "missing":
            said = label_set.labels(one.labels, one.status, one.detail)
            rows.append(
                Row(
                    one.clip_id,
                    one.repeat,
                    said.value,
                    None,
                    said.detail,
                    said.labels,
                    one.classes if said.labels is not None else None,
                    one.class_scores if said.labels is not None else None,
                )
            )
    return rows


def _to_judge(context: Context, rows: list[Row]) -> list[judging.Text]:
    """Return the texts that the judge is asked about; answers without one become rows."""
    said = texts(context, rows, references=True)
    return [judging.Text(one.clip_id, one.repeat, context.references[one.clip_id], text) for one, text in said]


def dry(context: Context) -> list[str]:
    """Return what the judge would be asked, as lines; nothing is asked and written."""
    params = context.params.judge
    if params is None or "judge" not in context.params.metrics:
        return ["no judge: no model is asked"]
    pretend, tally = Pretend(load(params.model, "judge"), params.model), Tally()
    said, prompt = _to_judge(context, []), Prompt(judging.PROMPTS, params.prompt)
    with DryJournal("judge", *judging.KINDS) as journal:
        judging.refill(journal, context.run.measures(context.method) / "judgements.parquet")
        show = Show(context.run, params.model)
        list(judging.judge(said, show, prompt, pretend, journal, params.repeats, tally))
    judged = (
        f"{len(said)} texts to judge, each {params.repeats} times"
        if params.repeats > 1
        else f"{len(said)} texts to judge"
    )
    return [f"{judged}: {to_ask(tally)}", pretend.report(getattr(params.model, "name", "judge"), "judge")]


def _judge(context: Context) -> Iterable[Row]:
    rows, params = list[Row](), context.params.judge
    assert params is not None  # checked where params are read
    said = _to_judge(context, rows)
    # A judge draws `repeats` times for each repeat of the method: a void answer is as void in each of the draws.
    voids = [row._replace(repeat=row.repeat * params.repeats + draw) for row in rows for draw in range(params.repeats)]
    show, backend = Show(context.run, params.model), load(params.model, "judge")
    journal, file = (
        context.journal("judge", *judging.KINDS),
        context.run.measures(context.method) / "judgements.parquet",
    )
    judging.refill(journal, file)
    tally, start = Tally(), time.monotonic()
    with Progress(f"judge {context.run.name} {context.method}", len(said) * params.repeats) as progress:
        prompt = Prompt(judging.PROMPTS, params.prompt)
        judged = list(judging.judge(said, show, prompt, backend, journal, params.repeats, tally, progress.advance))
    keep_speed("judge", backend, time.monotonic() - start, tally.computed)
    failed = {f"{one.clip_id}, repeat {one.repeat}": one.detail for one in judged if one.journal_key is None}
    allow(failed, len(judged), context.params.errors, "judgements")
    judging.save(file, judged, backend.revision)
    return [*voids, *(Row(one.clip_id, one.repeat, one.value, detail=one.detail) for one in judged)]


def _truth_similarity(context: Context) -> Iterable[Row]:
    rows: list[Row] = []
    said = list(texts(context, rows))
    answers = context.sentences.embed([text for _, text in said])
    told = context.sentences.embed([truth.template(context.truth(answer.clip_id)) for answer, _ in said])
    values = list(similarity.similarity(answers, told)) if said else []
    return rows + [
        Row(answer.clip_id, answer.repeat, float(value)) for (answer, _), value in zip(said, values, strict=True)
    ]


def _truth_named(context: Context) -> Iterable[Row]:
    rows: list[Row] = []
    for answer, text in texts(context, rows):
        rows.append(Row(answer.clip_id, answer.repeat, truth.truth_named(text, context.truth(answer.clip_id))))
    return rows


def _grounded(context: Context) -> Iterable[Row]:
    rows: list[Row] = []
    known: dict[tuple[str, ...], tuple[list[str], list[str]]] = {}
    for answer, text in texts(context, rows):
        if context.params.truth is not None:
            held = truth.foreign(context.truth(answer.clip_id), context.vocabulary)
            value, detail = invented.grounded_in_truth(text, held)
        else:
            labels = tuple(context.labels[answer.clip_id])
            if labels not in known:
                own = [word for name in labels for word in context.keywords(name)]
                every = {word: None for name in context.classes for word in context.keywords(name)}
                known[labels] = own, [word for word in every if word not in own]
            value, detail = invented.grounded_in_keywords(text, *known[labels])
        rows.append(Row(answer.clip_id, answer.repeat, value, detail=detail))
    return rows


def _listed(context: Context) -> Iterable[Row]:
    return [
        Row(one.clip_id, one.repeat, value, detail=detail)
        for one in context.answers
        if one.labels is not None and one.text is not None
        for value, detail in [invented.listed(one.detail)]
    ]


METRICS: Mapping[Name, Metric] = {
    "keyword": _keywords(keyword.keyword),
    "keyword_word": _keywords(keyword_word.keyword_word),
    "similarity": _similarity,
    "bertscore": _bertscore,
    "nearest_class": _nearest_class,
    "answer": _answer,
    "labels": _labels,
    "judge": _judge,
    "truth_similarity": _truth_similarity,
    "truth_named": _truth_named,
    "grounded": _grounded,
    "listed": _listed,
}
