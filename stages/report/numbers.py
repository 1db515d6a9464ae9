"""The numbers of a page as plain values: results, differences, per-class, confusion, sweep, validity."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stages.base.tables import rounded
from stages.metrics.registry import METRICS, headline
from stages.report.inputs import CONFUSION, Inputs


def ordered(first: Iterable[str], found: Iterable[str]) -> list[str]:
    """Return the names of `first` that were found, then the other found ones by name."""
    have = set(found)
    lead = [name for name in first if name in have]
    return lead + sorted(have - set(lead))


def metric_titles(metrics: Iterable[str]) -> list[dict[str, str]]:
    """Return id, title and explanation of each metric."""
    known = {name: (metric.title, metric.about) for name, metric in METRICS.items()}
    return [dict(zip(("id", "title", "about"), (name, *known.get(name, (name, ""))), strict=True)) for name in metrics]


def results(inputs: Inputs) -> list[dict[str, Any]]:
    """Return a row of `summary.csv` each, nulls kept; `headline` names its main number."""
    rows: list[dict[str, Any]] = rounded(inputs.summary.to_dicts(), 5)
    return [{**row, "headline": headline(row["metric"], row["mca"] is None)} for row in rows]


def seeds(inputs: Inputs) -> dict[str, dict[str, list[float]]]:
    """Return "method|protocol|metric|aggregate" -> the values of other seeds than the shipped run's.

    `own` are those of its own training on the shipped base model, `base` those on base models of other seeds.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for row in inputs.seeds.sort("method", "protocol", "metric", "aggregate", "base_seed", "seed").iter_rows(
        named=True
    ):
        if row["base_seed"] or row["seed"]:
            key = "|".join(row[name] for name in ("method", "protocol", "metric", "aggregate"))
            of_key = found.setdefault(key, {"own": [], "base": []})
            of_key["base" if row["base_seed"] else "own"].append(round(row["value"], 4))
    return found


#: One [value, low, high, clips] a class, nulls where it has no test clip.
Cells = list[list[float | None]]

#: What is told of each class of a metric of sets: its name in per_class.csv -> its title, and its mean in summary.csv.
SET_NUMBERS = {
    "f1": ("F1", "macro_f1"),
    "precision": ("Precision", "macro_precision"),
    "recall": ("Recall", "macro_recall"),
    "ap": ("Average precision", "macro_ap"),
}


def per_class(inputs: Inputs, classes: list[str]) -> dict[str, dict[str, Cells]]:
    """Return "protocol|metric" -> method -> cells; for each number of a metric of sets "protocol|metric|number" ->."""
    place = {name: index for index, name in enumerate(classes)}
    found: dict[str, dict[str, Cells]] = {}
    for row in inputs.per_class.iter_rows(named=True):
        number = f"|{row['number']}" if row.get("number") else ""
        of_method = found.setdefault(f"{row['protocol']}|{row['metric']}{number}", {})
        cells = of_method.setdefault(row["method"], [[None] * 4 for _ in classes])
        if row["class"] in place:
            cells[place[row["class"]]] = rounded([row["value"], row["low"], row["high"], row["clips"]], 4)
    return found


def set_numbers(inputs: Inputs) -> list[dict[str, str]]:
    """Return id, title and column of the mean of each number that a metric of sets has; none without such a metric."""
    have = set(inputs.per_class["number"].drop_nulls().to_list()) if "number" in inputs.per_class.columns else set()
    return [{"id": name, "title": title, "mean": mean} for name, (title, mean) in SET_NUMBERS.items() if name in have]


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
