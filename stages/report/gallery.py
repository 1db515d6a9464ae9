"""Every clip with its reference and each method's answer, as columns: texts once, marks one character a clip."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import polars as pl

from stages.report.inputs import Inputs

PARTS = {"train": "1", "validation": "2", "test": "3"}


class Texts:
    """Distinct texts in order of first use; a text's number stands for it."""

    def __init__(self) -> None:
        self.listed: list[str] = []
        self._places: dict[str, int] = {}

    def number(self, text: str | None) -> int:
        """Return the text's number, -1 for None."""
        if text is None:
            return -1
        place = self._places.setdefault(text, len(self.listed))
        if place == len(self.listed):
            self.listed.append(text)
        return place


class Choice(NamedTuple):
    """The clips of the gallery in the order shown, and those among them that are shown with images."""

    clips: list[str]
    pictured: list[str]


def choose(inputs: Inputs, first_protocol: str, per_class: int | None, pictured_per_class: int) -> Choice:
    """Return the clips to show: classes take turns, pictured ones first, those of the first protocol's test part first.

    Within a class the order is that of a hash of the clip's name: as good as drawn, and the same each time.
    """
    usable = inputs.manifest.filter(pl.col("error").is_null())
    test = set(
        inputs.splits.filter((pl.col("protocol") == first_protocol) & (pl.col("part") == "test"))["clip_id"].to_list()
    )
    by_class: dict[tuple[str, ...], list[tuple[bool, bytes, str]]] = {}
    for clip, labels in usable.select("clip_id", "labels").iter_rows():
        draw = hashlib.blake2b(clip.encode(), digest_size=8).digest()
        by_class.setdefault(tuple(labels), []).append((clip not in test, draw, clip))
    turns = [
        (turn, labels, clip)
        for labels, clips in by_class.items()
        for turn, (_, _, clip) in enumerate(sorted(clips)[:per_class])
    ]
    turns.sort()
    return Choice([clip for *_, clip in turns], [clip for turn, _, clip in turns if turn < pictured_per_class])


def columns(
    inputs: Inputs,
    clips: list[str],
    classes: list[str],
    metrics: list[str],
    protocols: list[str],
    graded: Collection[str],
) -> dict[str, Any]:
    """Return the gallery's columns; every column runs in the order of `clips`.

    `labels` (a list of class numbers a clip), `subject`, `camera`, `parts` (protocol -> a digit a clip, see `PARTS`,
    0 for none), `texts`, `reference` (text number or -1), `answers` (method -> text numbers, `labels`, `status`),
    `right` (metric -> method -> a character a clip: 1 right, 0 wrong, ~ right in some draws, - not judged), `named`
    (the same, class numbers) for metrics that name a class, `sets` (the same, lists of them) for metrics of sets,
    `values` (the same, in thousandths) for those in `graded`.
    """
    place = {clip: index for index, clip in enumerate(clips)}
    number = {name: index for index, name in enumerate(classes)}
    rows = {row["clip_id"]: row for row in inputs.manifest.iter_rows(named=True)}
    texts = Texts()
    reference = [-1] * len(clips)
    if inputs.captions is not None:
        for clip, text in inputs.captions.select("clip_id", "text").iter_rows():
            if clip in place:
                reference[place[clip]] = texts.number(text)
    return {
        "clips": clips,
        "labels": [[number[label] for label in rows[clip]["labels"]] for clip in clips],
        "subject": [rows[clip]["subject"] for clip in clips],
        "camera": [rows[clip]["camera"] for clip in clips],
        "parts": {protocol: _parts(inputs, protocol, place) for protocol in protocols},
        "reference": reference,
        "answers": {method: _answers(frame, place, number, texts) for method, frame in inputs.predictions.items()},
        **_judgements(inputs, place, number, metrics, graded),
        "texts": texts.listed,
    }


def _parts(inputs: Inputs, protocol: str, place: Mapping[str, int]) -> str:
    parts = ["0"] * len(place)
    for clip, part in inputs.splits.filter(pl.col("protocol") == protocol).select("clip_id", "part").iter_rows():
        if clip in place:
            # In a leave-one-out protocol a clip is tested once and trained on in every other fold.
            parts[place[clip]] = max(parts[place[clip]], PARTS.get(part, "0"))
    return "".join(parts)


def _answers(frame: pl.DataFrame, place: Mapping[str, int], number: Mapping[str, int], texts: Texts) -> dict[str, Any]:
    text = [-1] * len(place)
    labels: list[list[int] | None] = [None] * len(place)
    status: dict[int, str] = {}
    for row in frame.filter(pl.col("repeat") == 0).iter_rows(named=True):
        index = place.get(row["clip_id"])
        if index is None:
            continue
        text[index] = texts.number(row["text"])
        if row["labels"] is not None:
            labels[index] = [number[label] for label in row["labels"] if label in number]
        if row["status"] != "ok":
            status[index] = f"{row['status']}: {row['detail']}" if row["detail"] else row["status"]
    closed = any(label is not None for label in labels)
    return {"text": text, "labels": labels if closed else None, "status": status}


def _judgements(
    inputs: Inputs, place: Mapping[str, int], number: Mapping[str, int], metrics: list[str], graded: Collection[str]
) -> dict[str, Any]:
    right: dict[str, dict[str, str]] = {metric: {} for metric in metrics}
    named: dict[str, dict[str, list[int]]] = {}
    sets: dict[str, dict[str, list[list[int] | None]]] = {}
    values: dict[str, dict[str, list[int | None]]] = {metric: {} for metric in metrics if metric in graded}
    for method, frame in inputs.verdicts.items():
        for (metric,), rows in frame.group_by("metric", maintain_order=True):
            if metric not in right:
                continue
            marks, labels = ["-"] * len(place), [-1] * len(place)
            held: list[list[int] | None] = [None] * len(place)
            for clip, value, label, draws in rows.select("clip_id", "right", "label", "labels").iter_rows():
                if clip in place and value is not None:
                    marks[place[clip]] = {0.0: "0", 1.0: "1"}.get(value, "~")
                    labels[place[clip]] = number.get(label, -1)
                    held[place[clip]] = [number[name] for name in draws[0] if name in number] if draws else None
            right[metric][method] = "".join(marks)
            if any(one is not None for one in held):
                sets.setdefault(metric, {})[method] = held
            if max(labels, default=-1) >= 0:
                named.setdefault(metric, {})[method] = labels
    for method, frame in inputs.measures.items():
        for (metric,), rows in frame.filter(pl.col("repeat") == 0).group_by("metric", maintain_order=True):
            if metric not in values:
                continue
            grades: list[int | None] = [None] * len(place)
            for clip, value in rows.select("clip_id", "value").iter_rows():
                if clip in place and value is not None:
                    grades[place[clip]] = round(1000 * value)
            values[metric][method] = grades
    return {"right": right, "named": named, "sets": sets, "values": values}
