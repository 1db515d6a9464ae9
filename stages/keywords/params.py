"""Params of `keywords`: where a data set's keyword lists come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from stages.base.params import Declared, Params
from stages.methods.records import Record
from stages.vlm.params import VlmParams


class _Lists(Params):
    version: int
    """Version of the lists. A file states its own, which must be this one; elsewhere raise it when the lists change."""
    shared_by: int = Field(ge=2)
    """Warn of a keyword that this many classes or more have: it hardly tells one from another."""


class FileLists(_Lists):
    """Lists curated as data."""

    source: Literal["file"]
    """file: a YAML file with `version` and `classes`; the data set's record names it."""


class NotebookLists(_Lists):
    """Lists published in a Jupyter notebook, read as data and never run."""

    source: Literal["notebook"]
    """notebook: a Python literal in a code cell; the data set's record names the notebook."""
    variable: str
    """Name to which the literal is assigned, such as activity_dict_cleaned."""


class LabelLists(_Lists):
    """Lists made of the labels: a class's own words, and its verb and noun where it has them."""

    source: Literal["labels"]
    """labels: no other list is needed, and a synonym is not found; the record names data/none."""


class ModelLists(_Lists):
    """Lists that a model is asked for, one question a class.

    Whatever is scored by keywords needs them of every class, so there is no share of errors that may be allowed: a run
    in which one class got none fails, and keeps the answers that it has.
    """

    source: Literal["model"]
    """model: ask a back end."""
    name: str
    """The back end's name in messages and in compute.yaml's `endpoints`."""
    model: VlmParams
    """The back end: what a file of params/models holds."""
    prompt: str
    """File in stages/keywords/prompts, without its suffix."""
    count: PositiveInt
    """Keywords to ask for, of each class."""


#: Block `keywords.<dataset>`.
KeywordsParams = Annotated[FileLists | NotebookLists | LabelLists | ModelLists, Field(discriminator="source")]

PARAMS: Declared = {"keywords.{dataset}": KeywordsParams, "asked": dict[str, Record]}
