"""What a module of this room says of its metric; every stage that needs to know a metric reads it here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from stages.base.params import Params
from stages.metrics.candidates import Candidates, Choice
from stages.metrics.context import Context, Row


@dataclass(frozen=True, kw_only=True)
class Metric:
    """All about a metric. Its module has it as `METRIC`; `registry.py` lists the modules."""

    name: str
    """As tables, params and files write it; the name of its module."""
    title: str
    """As the page writes it."""
    about: str
    """What it asks of an answer, in a sentence for the reader of the page."""
    rows: Callable[[Context], Iterable[Row]]
    """How it is measured: one method's rows, none where the method's answers do not allow it."""
    names: Literal["class", "set"] | None = None
    """Whether its rows name a class (column `label`) or a set of classes (`labels`), which is right or wrong by itself;
    None for a value that needs a threshold."""
    threshold: float | None = None
    """Answers are right beyond it, where `score.<dataset>.thresholds` has no other; None: the params must say it."""
    headline: Literal["mca", "accuracy"] = "mca"
    """Its main number, by which methods are compared: mean class accuracy, or the share of clips. Of a metric whose
    answers are sets it is macro-F1."""
    better: Literal["higher", "lower"] = "higher"
    """Which values are the better ones: right answers are above the threshold, or below it."""
    params: type[Params] | None = None
    """Type of its own block, `measure.<dataset>.<name>`; None: it has no params."""
    default: Params | None = None
    """Its block where the params leave it out; None: it has to be written where the metric is measured."""
    to_reference: bool = False
    """Whether its value is how near an answer is to the reference caption: who wrote that one agrees with itself."""
    of_references: bool = False
    """Whether the reference captions are measured by it too, as a method to compare others with."""
    needs_truth: bool = False
    """Whether it needs the table TRUTH, what the simulator knows of a clip."""
    averaged: bool = False
    """Whether scores have the mean of its values over the clips, and their standard deviation: of a metric whose value
    says more than what a threshold makes of it."""
    counts_unmapped: bool = False
    """Whether scores have the share of answers that name no class; of a metric that reads classes from free text."""
    counts_unseen: bool = False
    """Whether scores have the share of answers that name a class which training never had, on a protocol that tests
    such classes; of a metric that reads classes from free text."""
    judged: bool = False
    """Whether another model gives its values; that model's revision is in the file judgements.parquet."""
    constant: Callable[[Candidates], Choice] | None = None
    """Which caption, said of every clip, does best by it; None: `null_constant` answers it with similarity's."""
    dry: Callable[[Context], list[str]] | None = None
    """What a dry run says that it would ask, in lines; None where it asks no model."""

    def __post_init__(self) -> None:
        """Check that a metric has a threshold or names something.

        Raises:
            ValueError: it has both, or a default without params.
        """
        if self.names is not None and self.threshold is not None:
            raise ValueError(f"{self.name} names a {self.names}, which has no threshold")
        if (self.averaged and self.names is not None) or (
            (self.counts_unmapped or self.counts_unseen) and not self.names
        ):
            raise ValueError(f"{self.name}: values are averaged, named classes are counted")
        if self.default is not None and (self.params is None or not isinstance(self.default, self.params)):
            raise ValueError(f"the default of {self.name} is no block of its params")

    @property
    def sign(self) -> int:
        """1 where higher values are better, -1 where lower ones are: times it, higher ones always are."""
        return 1 if self.better == "higher" else -1
