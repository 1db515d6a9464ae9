"""Metric `nearest_class`: the class whose description is nearest to the prediction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from stages.base.errors import InputError
from stages.base.params import Params
from stages.metrics.candidates import Candidates, Choice
from stages.metrics.context import Context, Row
from stages.metrics.metric import Metric
from stages.metrics.texts import texts
from stages.text.vectors import class_means, cosine_table


class NearestClass(Params):
    """How `nearest_class` describes a class."""

    description: Literal["label", "references"] = "label"
    """label: the label in words; references: the mean embedding of the class's reference captions."""
    protocol: str | None = None
    """With references: the protocol whose train part gives them (one without folds); else null."""

    @model_validator(mode="after")
    def _protocol(self) -> NearestClass:
        if (self.description == "references") != (self.protocol is not None):
            raise ValueError("a protocol belongs to `references`, and to nothing else")
        return self


class Nearest(NamedTuple):
    """For each of N predictions the class named and its cosine."""

    labels: list[str]
    cosines: NDArray[np.float64]


def nearest_class(
    predictions: NDArray[np.float32], classes: Sequence[str], descriptions: NDArray[np.floating]
) -> Nearest:
    """Return for each prediction (N, D) the class whose description (C, D) has the highest cosine; of equals the first.

    A prediction always gets a class, however far the nearest is. It will not take a protocol's own classes into
    account: a row is a clip's, whatever protocol tests it, so all classes of the data set stand to choice, also where a
    protocol has fewer (CV1 and CV2 of Smarthome: 19 of 31). A text that names several classes gets one of them.
    """
    table = cosine_table(predictions, descriptions)  # (N, C)
    best = table.argmax(1)
    return Nearest([classes[index] for index in best], table[np.arange(len(best)), best])


def rows(context: Context) -> Iterable[Row]:
    """Return the class that each answer is nearest to, with the cosine as value."""
    found: list[Row] = []
    said = list(texts(context, found))
    places = context.sentences.rows([text for _, text in said])
    distinct, of_answer = np.unique(places, return_inverse=True)
    descriptions = _descriptions(context)
    nearest = nearest_class(context.sentences.vectors[distinct], context.classes, descriptions)
    for (answer, _), index in zip(said, of_answer, strict=True):
        found.append(Row(answer.clip_id, answer.repeat, float(nearest.cosines[index]), nearest.labels[index]))
    return found


def _descriptions(context: Context) -> NDArray[np.floating]:
    """Return what answers are compared with: a vector a class, (C, D)."""
    params = context.block("nearest_class", NearestClass)
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


def constant(candidates: Candidates) -> Choice:
    """Return the caption that names the class that most clips have; of equals the nearest to all captions.

    A text names one class, which is right in one class whichever it is, so that mean class accuracy chooses none; the
    most frequent class has the best macro-F1 and accuracy.
    """
    classes = candidates.classes
    labels = candidates.sentences.embed(list(candidates.words.values()))
    named = cosine_table(candidates.vectors, labels).argmax(1)
    clips = Counter(name for held in candidates.labels for name in held)
    frequency = np.array([clips[classes[index]] for index in named])
    best = int(np.lexsort((-candidates.cosine, -frequency))[0])
    why = f"names {classes[named[best]]}, the class of {frequency[best]} of {len(candidates.texts)} clips"
    return Choice(best, why)


METRIC = Metric(
    name="nearest_class",
    title="Nearest class",
    about="The class whose description is nearest to the answer is the clip's class.",
    rows=rows,
    names="class",
    counts_unseen=True,
    params=NearestClass,
    default=NearestClass(),
    constant=constant,
)
