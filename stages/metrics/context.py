"""What a metric may need, each thing read or made when a metric first asks for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import polars as pl
from pydantic import Field

from stages.base.errors import ERRORS, InputError
from stages.base.journal.store import Journal
from stages.base.params import Params
from stages.base.paths import NONE, Run
from stages.base.schema import CAPTIONS, MANIFEST, PREDICTIONS, SPLITS
from stages.base.tables import read_json, read_table
from stages.labels.classes import ClassList, read_classes
from stages.metrics.truth import Truth
from stages.text.encode import Precision
from stages.text.sentences import KIND, Sentences
from stages.vlm.params import VlmParams


class Answer(NamedTuple):
    """A row of PREDICTIONS, as far as metrics look at it."""

    clip_id: str
    repeat: int
    text: str | None
    labels: list[str] | None
    classes: list[str] | None
    class_scores: list[float | None] | None
    status: str
    detail: str | None
    verbs: list[str] | None = None
    """Of a method with a head of verbs and one of nouns; null for any other."""
    verb_scores: list[float] | None = None
    nouns: list[str] | None = None
    noun_scores: list[float] | None = None


class Row(NamedTuple):
    """A row of MEASURES, without method and metric."""

    clip_id: str
    repeat: int
    value: float | None
    label: str | None = None
    detail: str | None = None
    labels: list[str] | None = None
    classes: list[str] | None = None
    class_scores: list[float | None] | None = None


class Settings(Params):
    """Params that metrics share; a block for each metric that has params of its own stands next to them."""

    metrics: list[str] = Field(min_length=1)
    """Which metrics; those that a method's answers do not allow give no rows."""
    encoder: str
    """Name or path of the sentence encoder of `similarity` and `nearest_class`."""
    precision: Precision = "float32"
    """What text encoders compute in; float64 gives the same bytes on every processor, in twice the time."""
    errors: Annotated[float, Field(ge=0, le=1)] = ERRORS
    """Share of the judgements that may be errors; with more the cell fails, and the journal keeps what succeeded."""


Block = TypeVar("Block", bound=Params)


class Context:
    """One method's answers and all that they can be measured against. Use as a context manager."""

    def __init__(
        self,
        run: Run,
        method: str,
        params: Settings,
        judge: VlmParams | None = None,
        truth: Path | None = None,
        judged_by: str = "judge",
    ) -> None:
        """Take what is measured, and with what.

        Args:
            run: of the data set.
            method: whose answers are measured.
            params: block `measure` of the data set.
            judge: the judging model; None where nobody judges.
            truth: table TRUTH of rendered clips, for `truth_similarity` and `truth_named`; with it `grounded` knows
                verb and object of a clip, without it goes by keywords.
            judged_by: the judging model's file in params/models, by which compute.yaml knows its server.
        """
        self.run, self.method, self.params, self.judge, self.truths = run, method, params, judge, truth
        self.judged_by = judged_by
        self.metric: str | None = None
        """The metric that is measured: a null model may have an answer of its own for it."""
        self.journals: dict[str, Journal] = {}
        self.errors = 0
        """How many questions of a metric to a model ended in an error."""

    def block(self, name: str, kind: type[Block]) -> Block:
        """Return a metric's own block of params, of its kind."""
        found = getattr(self.params, name)
        assert isinstance(found, kind), f"{name} has no block, which is checked where params are read"
        return found

    def truth(self, clip_id: str) -> Truth:
        """Return what a rendered clip shows.

        Raises:
            InputError: the table lacks the clip.
        """
        if clip_id not in self._truths:
            raise InputError("the truth lacks a clip", file=self.truths, row=clip_id, do="run `dvc repro`")
        return self._truths[clip_id]

    @cached_property
    def vocabulary(self) -> list[str]:
        """The verbs and objects of all rendered clips, sorted."""
        return sorted({word for one in self._truths.values() for word in one.words})

    @cached_property
    def _truths(self) -> dict[str, Truth]:
        file = self.truths or Path(NONE)
        try:
            rows = pl.read_parquet(file, columns=["clip_id", *Truth._fields]).iter_rows()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise InputError(
                f"no table of rendered clips ({str(error).splitlines()[0]})",
                file=file,
                do="run `dvc repro`, or correct `truth` in its record",
            ) from None
        return {clip_id: Truth(*values) for clip_id, *values in rows}

    @property
    def answered(self) -> pl.DataFrame:
        """The rows of PREDICTIONS to measure: those for `metric` where there are any, else those for all.

        Raises:
            InputError: see `predictions`.
        """
        of_metric = pl.col("metric") == pl.lit(self.metric, pl.String)
        own = self.predictions.filter(of_metric).with_columns(repeat=pl.lit(0, pl.Int32))
        return own if len(own) else self.predictions.filter(pl.col("metric").is_null())

    @property
    def answers(self) -> Iterator[Answer]:
        """The answers of `answered`, by clip and repeat; as Python objects some at a time. Raises as that does."""
        return (Answer(*row) for row in self.answered.select(Answer._fields).iter_rows())

    @property
    def names_classes(self) -> bool:
        """Whether any answer names classes, or was asked to and named none."""
        named = pl.col("labels").is_not_null() | pl.col("status").is_in(["unmapped", "unparsed"])
        return len(self.answered.filter(named)) > 0

    @cached_property
    def predictions(self) -> pl.DataFrame:
        """The method's table PREDICTIONS.

        Raises:
            InputError: no such file, or an answer is for a clip that the manifest lacks.
        """
        file = self.run.predictions(self.method)
        rows = read_table(file, PREDICTIONS)
        unknown = rows.filter(~pl.col("clip_id").is_in(list(self.labels)))
        if len(unknown):
            raise InputError(
                f"{len(unknown)} answers are for clips that {self.run.manifest} lacks",
                file=file,
                row=unknown["clip_id"][0],
                do="run `dvc repro`: manifest and predictions are of different runs",
            )
        return rows

    @cached_property
    def labels(self) -> dict[str, list[str]]:
        """Clip -> its labels."""
        manifest = read_table(self.run.manifest, MANIFEST)
        return dict(zip(manifest["clip_id"], manifest["labels"].to_list(), strict=True))

    @cached_property
    def pairs(self) -> dict[str, tuple[str | None, str | None]]:
        """Clip -> its verb and its noun, where labels are made of these."""
        manifest = read_table(self.run.manifest, MANIFEST)
        return {clip_id: (verb, noun) for clip_id, verb, noun in manifest.select("clip_id", "verb", "noun").iter_rows()}

    @cached_property
    def class_list(self) -> ClassList:
        """The classes of the data set."""
        return read_classes(self.run)

    @property
    def classes(self) -> list[str]:
        """The classes of the data set, in order."""
        return self.class_list.names

    @cached_property
    def references(self) -> dict[str, str]:
        """Clip -> its reference caption; a clip without one, or with a blank one, is not in it."""
        captions = read_table(self.run.captions, CAPTIONS).select("clip_id", "text")
        return {clip_id: text for clip_id, text in captions.iter_rows() if text is not None and text.strip()}

    @cached_property
    def narrations(self) -> dict[str, str]:
        """Clip -> what its manifest row says that it shows; a clip without a narration is not in it."""
        manifest = read_table(self.run.manifest, MANIFEST).select("clip_id", "narration")
        return {clip_id: said for clip_id, said in manifest.iter_rows() if said is not None and said.strip()}

    def train_references(self, protocol: str) -> dict[str, str]:
        """Return the reference captions of a protocol's train part, by clip.

        Raises:
            InputError: there is no such protocol, it has folds and so no one train part, or the part has no captions.
        """
        splits = self.splits(protocol)
        if (splits["fold"] != "").any():
            raise InputError(
                f"protocol {protocol} has folds, and so no one train part",
                file=self.run.splits,
                do="name another protocol, or describe classes by their label",
            )
        train = set(splits.filter(pl.col("part") == "train")["clip_id"])
        found = {clip_id: text for clip_id, text in sorted(self.references.items()) if clip_id in train}
        if not found:
            raise InputError(
                f"the train part of protocol {protocol} has no reference captions",
                file=self.run.captions,
                do="name another protocol, or describe classes by their label",
            )
        return found

    def splits(self, protocol: str) -> pl.DataFrame:
        """Return a protocol's rows of SPLITS.

        Raises:
            InputError: it has none.
        """
        splits = read_table(self.run.splits, SPLITS)
        rows = splits.filter(pl.col("protocol") == protocol)
        if not len(rows):
            known = ", ".join(sorted(splits["protocol"].unique()))
            raise InputError("no such protocol", file=self.run.splits, key=protocol, do=f"name one of: {known}")
        return rows

    def keywords(self, label: str) -> list[str]:
        """Return a class's keywords.

        Raises:
            InputError: the file gives it none.
        """
        keywords = self._keywords.get(label)
        if not keywords:
            raise InputError(
                f"class {label} has no keywords", file=self.run.keywords, key=label, do="give it at least one"
            )
        return keywords

    @cached_property
    def _keywords(self) -> dict[str, list[str]]:
        value = read_json(self.run.keywords)
        classes = value.get("classes") if isinstance(value, dict) else None
        if not isinstance(classes, dict):
            raise InputError("no object of classes", file=self.run.keywords, key="classes", do="run `dvc repro`")
        return classes

    @cached_property
    def sentences(self) -> Sentences:
        """The sentence embeddings of texts; the model is loaded when a text has none yet."""
        own = self.run.measures(self.method) / "embeddings.parquet"
        what = f"embed {self.run.name} {self.method}"
        return Sentences(self.params.encoder, self.journal("embed", KIND), own, what, self.params.precision)

    def journal(self, room: str, *kinds: Collection[str]) -> Journal:
        """Return a room's journal, whose values are of these kinds, opened once."""
        if room not in self.journals:
            self.journals[room] = Journal(room, *kinds)
        return self.journals[room]

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        for journal in self.journals.values():
            journal.close()
