"""A method is one record of params.yaml: what `measure` reads, and writes down for whoever comes after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from pydantic import ConfigDict

from stages.base.errors import InputError
from stages.base.params import Params
from stages.base.paths import METHODS, NULLS, REFERENCES, Run
from stages.base.tables import read_json, write_json

#: How the null models and the references are called on a page; those of sets of labels answer without words.
_IN_WORDS = dict(
    zip(
        NULLS,
        ["null: one caption for all", "null: a keyword of every class", "null: captions of other classes"],
        strict=True,
    )
)
_SETS = dict(
    zip(NULLS, ["null: the commonest set for all", "null: every class", "null: sets of other clips"], strict=True)
)


class Record(Params):
    """A record of a method: coordinates, of which those that all kinds have are read here."""

    model_config = ConfigDict(frozen=True, extra="allow")

    dataset: str
    """A record under `pushed` or `kept`."""
    method: str
    """What it is called in tables and paths; once in a data set."""
    title: str | None
    """What it is called on the page; null: it is a model to ask, and no method by itself."""
    protocol: str
    """The protocol whose train part it learnt from, on which alone it is scored; all: every protocol."""

    @property
    def rank(self) -> int:
        """Place of its kind on the page: what is asked comes before what learns."""
        kinds = ("strategy", "weights", "captions", "teacher", "streams")
        held = [place for place, slot in enumerate(kinds) if slot in (self.model_extra or {})]
        return max(held, default=len(kinds))  # a student has weights to start from, too


class Method(NamedTuple):
    """A method as it travels with the measures."""

    name: str
    title: str
    kind: Literal["asked", "learnt", "null", "references"]
    """asked: a model's answers; learnt: of what was trained on the data set, so that a number depends on a seed."""
    protocol: str
    """On which it is scored; all: every one."""


def methods_of(run: Run, records: Mapping[str, Record], sets: bool, told: bool) -> list[Method]:
    """Return a data set's methods, in the order of the page.

    Args:
        run: of the data set.
        records: of all data sets.
        sets: its clips have several labels or none, so that answers are sets of labels.
        told: its clips have reference captions, and what they show is known, so that these can be measured themselves;
            those of sets are no answers.

    Raises:
        InputError: two records write the same table, or none is of this data set.
    """
    own = {key: one for key, one in records.items() if one.dataset == run.name}
    found: dict[str, Method] = {}
    taken = {*NULLS, REFERENCES}
    for key, one in sorted(own.items(), key=lambda item: item[1].rank):
        if one.method in taken:
            what = f"method {one.method} of {run.name} is another record's or a null model's"
            raise InputError(what, file="params.yaml", key=key, do="give it another name under `method`")
        taken.add(one.method)
        if one.title is not None:
            kind: Literal["asked", "learnt"] = "learnt" if one.rank else "asked"
            found[one.method] = Method(one.method, one.title, kind, one.protocol)
    if not found:
        do = f"add one under one of {', '.join(METHODS)}"
        raise InputError(f"no record is of the data set {run.name}", file="params.yaml", key="methods", do=do)
    if told and not sets:
        found[REFERENCES] = Method(REFERENCES, "the reference captions", "references", "all")
    titles = _SETS if sets else _IN_WORDS
    return [*found.values(), *(Method(name, titles[name], "null", "all") for name in NULLS)]


def write_methods(run: Run, methods: Sequence[Method]) -> None:
    """Write the list of methods next to their measures."""
    write_json(run.methods, [one._asdict() for one in methods])


def read_methods(run: Run) -> list[Method]:
    """Return the methods that were measured.

    Raises:
        InputError: there is no list, or it is of another version.
    """
    try:
        found = [Method(**one) for one in read_json(run.methods)]
    except TypeError:
        found = []
    if not found:
        raise InputError("no list of methods", file=run.methods, do="run `dvc repro`")
    return found
