"""The numbers of a page as plain values: results, differences, per-class, confusion, sweep, validity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stages.core.tables import rounded
from stages.report.inputs import CONFUSION, Inputs

#: What each metric asks of an answer, in a sentence for the reader.
METRICS = {
    "keyword": ("Keyword", "A keyword of the clip's class stands anywhere in the answer, case as it is."),
    "keyword_word": ("Keyword, whole word", "A keyword of the clip's class stands in the answer as a word, any case."),
    "similarity": ("Similarity", "Cosine of the sentence embeddings of answer and reference caption."),
    "bertscore": ("BERTScore precision", "BERTScore precision of the answer against the reference caption."),
    "nearest_class": ("Nearest class", "The class whose description is nearest to the answer is the clip's class."),
    "judge": ("Judge", "A VLM that sees clip, reference and answer says that the answer is true."),
    "answer": ("Named class", "The class that the method itself names is the clip's class."),
}


def ordered(first: Iterable[str], found: Iterable[str]) -> list[str]:
    """Return the names of `first` that were found, then the other found ones by name."""
    have = set(found)
    lead = [name for name in first if name in have]
    return lead + sorted(have - set(lead))


def metric_titles(metrics: Iterable[str]) -> list[dict[str, str]]:
    """Return id, title and explanation of each metric."""
    return [
        dict(zip(("id", "title", "about"), (name, *METRICS.get(name, (name, ""))), strict=True)) for name in metrics
    ]


def results(inputs: Inputs) -> list[dict[str, Any]]:
    """Return a row of `summary.csv` each, nulls kept."""
    rows: list[dict[str, Any]] = rounded(inputs.summary.to_dicts(), 5)
    return rows


def per_class(inputs: Inputs, classes: list[str]) -> dict[str, dict[str, list[list[float | None]]]]:
    """Return "protocol|metric" -> method -> one [value, low, high, clips] a class (nulls where it has no test clip)."""
    place = {name: index for index, name in enumerate(classes)}
    found: dict[str, dict[str, list[list[float | None]]]] = {}
    for row in inputs.per_class.iter_rows(named=True):
        of_method = found.setdefault(f"{row['protocol']}|{row['metric']}", {})
        cells = of_method.setdefault(row["method"], [[None] * 4 for _ in classes])
        if row["class"] in place:
            cells[place[row["class"]]] = rounded([row["value"], row["low"], row["high"], row["clips"]], 4)
    return found


def confusion(inputs: Inputs, classes: list[str]) -> dict[str, dict[str, list[int]]]:
    """Return "protocol|metric" -> method -> flat triples (actual, predicted, clips); -1 is "named no class"."""
    place = {name: index for index, name in enumerate(classes)}
    frame = inputs.confusion.sort(CONFUSION[:5])
    found: dict[str, dict[str, list[int]]] = {}
    for row in frame.iter_rows(named=True):
        triples = found.setdefault(f"{row['protocol']}|{row['metric']}", {}).setdefault(row["method"], [])
        triples += [place.get(row["actual"], -1), place.get(row["predicted"], -1), row["clips"]]
    return found


def sweep(inputs: Inputs) -> dict[str, dict[str, Any]]:
    """Return "protocol|metric" -> thresholds and each method's values at them."""
    found = {}
    for (protocol, metric), frame in inputs.sweep.group_by("protocol", "metric", maintain_order=True):
        thresholds = sorted(set(frame["threshold"].to_list()))
        lines = {}
        for (method,), rows in frame.group_by("method", maintain_order=True):
            at = dict(zip(rows["threshold"].to_list(), rows["mca"].to_list(), strict=True))
            lines[method] = rounded([at.get(threshold) for threshold in thresholds], 4)
        found[f"{protocol}|{metric}"] = {"thresholds": rounded(thresholds, 4), "lines": lines}
    return found
