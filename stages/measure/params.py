"""Params of the measures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PositiveInt, model_validator

from stages.base.errors import ERRORS
from stages.base.params import Declared, Params
from stages.measure.judge import JudgeParams
from stages.methods.records import Record
from stages.text.encode import Precision
from stages.text.model import PACKAGED
from stages.vlm.params import MaybeVlmParams

Name = Literal[
    "keyword",
    "keyword_word",
    "similarity",
    "bertscore",
    "nearest_class",
    "answer",
    "labels",
    "judge",
    "truth_similarity",
    "truth_named",
    "grounded",
    "listed",
]


class NearestClass(Params):
    """How `nearest_class` describes a class."""

    description: Literal["label", "references"]
    """label: the label in words; references: the mean embedding of the class's reference captions."""
    protocol: str | None
    """With references: the protocol whose train part gives them (one without folds); else null."""

    @model_validator(mode="after")
    def _protocol(self) -> NearestClass:
        if (self.description == "references") != (self.protocol is not None):
            raise ValueError("a protocol belongs to `references`, and to nothing else")
        return self


class BertScore(Params):
    """What `bertscore` compares, and how."""

    encoder: str
    """Name or path of a transformers encoder; roberta-large is bert-score's default for English."""
    revision: str | None = None
    """Commit of an encoder of the hub, which has to be pinned; null for a path and for the packaged one."""
    layer: PositiveInt | None
    """Its layer whose hidden states are compared, from 1; null takes bert-score's own choice for that name."""
    protocol: str | None
    """Only the clips that this protocol tests; null: all clips."""

    @model_validator(mode="after")
    def _pinned(self) -> BertScore:
        on_hub = self.encoder != PACKAGED and not Path(self.encoder).is_dir() and self.encoder[:1] not in "./~"
        if on_hub and self.encoder.count("/") < 2 and not re.fullmatch(r"[0-9a-f]{40}", self.revision or ""):
            raise ValueError(f"{self.encoder} is an encoder of the hub: pin its commit, 40 hex digits, as `revision`")
        return self


class JudgeBlock(Params):
    """How texts are judged; who judges is in the data set's record."""

    prompt: str
    """File in stages/measure/prompts, without .txt."""
    repeats: PositiveInt
    """How often each text is judged; the k-th draw has the seed raised by k."""
    max_new_tokens: PositiveInt
    """Longest answer in tokens, of the judging model too."""


class _Measures(Params):
    metrics: list[Name] = Field(min_length=1)
    """Which metrics; those that a method's answers do not allow give no rows."""
    encoder: str
    """Name or path of the sentence encoder of `similarity` and `nearest_class`."""
    precision: Precision = "float32"
    """What text encoders compute in; float64 gives the same bytes on every processor, in twice the time."""
    nearest_class: NearestClass
    bertscore: BertScore
    errors: Annotated[float, Field(ge=0, le=1)] = ERRORS
    """Share of the judgements that may be errors; with more the cell fails, and the journal keeps what succeeded."""


class MeasureBlock(_Measures):
    """Block `measure` of a data set: what is measured on its answers."""

    judge: JudgeBlock | None
    """Null where nothing is judged."""

    def of(self, judge: MaybeVlmParams, truth: str | None) -> MeasureParams:
        """Return all that metrics need: the block, who judges, and the table TRUTH of rendered clips.

        Raises:
            ValueError: a metric needs what there is not.
        """
        judging = None
        if self.judge and judge.backend != "none":
            model = judge
            if judge.backend != "recorded":
                model = judge.model_copy(update={"max_new_tokens": self.judge.max_new_tokens})
            judging = JudgeParams(model=model, prompt=self.judge.prompt, repeats=self.judge.repeats)
        values = {name: getattr(self, name) for name in _Measures.model_fields}
        return MeasureParams(**values, judge=judging, truth=truth)


class MeasureParams(_Measures):
    """What is measured on a data set's answers, and with what."""

    judge: JudgeParams | None
    """The judging VLM; null where `metrics` does not have `judge`."""
    truth: str | None = None
    """Table TRUTH of rendered clips, for `truth_similarity` and `truth_named`; with it `grounded` knows verb and object
    of a clip, without it goes by keywords."""

    @model_validator(mode="after")
    def _judge(self) -> MeasureParams:
        if "judge" in self.metrics and self.judge is None:
            raise ValueError("metric judge needs a block `judge`, and a judge in the data set's record")
        if self.truth is None and {"truth_similarity", "truth_named"} & set(self.metrics):
            raise ValueError("metrics of the truth need `truth`: the simulator's table of the clips")
        return self


PARAMS: Declared = {
    "measure.{dataset}": MeasureBlock,
    "vlm.{judge}": MaybeVlmParams,
    "methods": dict[str, Record],
}
