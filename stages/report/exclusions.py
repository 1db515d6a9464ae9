"""What the numbers leave out, and why: no clip and no answer vanishes in silence."""

from __future__ import annotations

from typing import Any

import polars as pl

from stages.report.inputs import Inputs

EXAMPLES = 20

#: Of answers that are not left out and may not be whole.
CUT = "ended at the longest answer allowed (max_new_tokens): what there is of them counts"


def exclusions(inputs: Inputs) -> list[dict[str, Any]]:
    """Return one entry a cause: what is left out, why, how many, examples and whether there are more."""
    entries = [
        *_grouped("clips that cannot be used", inputs.manifest, pl.col("error")),
        *_entry("clips without a label", "the data set names no class for them", _unlabelled(inputs)),
        *_entry("clips in no protocol", "no protocol has a part for them", _unplaced(inputs)),
    ]
    if inputs.captions is not None:
        without = inputs.captions.filter(pl.col("text").is_null())
        entries += _entry("clips without a reference caption", "none was published or made", _ids(without))
        entries += _entry("reference captions, cut", CUT, _cut(inputs.captions))
    for method, answers in inputs.predictions.items():
        why = pl.concat_str("status", "detail", separator=": ", ignore_nulls=True)
        entries += _grouped(f"answers of {method}", answers.filter(pl.col("status") != "ok"), why)
        entries += _entry(f"answers of {method}, cut", CUT, _cut(answers))
        answered = set(answers["clip_id"].to_list())
        lacking = [clip for clip in _usable(inputs) if clip not in answered]
        entries += _entry(f"answers of {method}", "the method was not asked", lacking)
    return entries + _unscored(inputs)


def _unscored(inputs: Inputs) -> list[dict[str, Any]]:
    """Return what the aggregates leave out of a protocol's test part, the metrics and protocols of a cause together."""
    entries = []
    for (model, reason), rows in inputs.left_out.group_by("model", "reason", maintain_order=True):
        metrics = ", ".join(sorted(set(rows["metric"].to_list())))
        of_protocol = rows.group_by("protocol").agg(pl.col("clips").max()).sort("protocol")
        where = ", ".join(f"{protocol} {clips:,}" for protocol, clips in of_protocol.iter_rows())
        examples = sorted({clip for text in rows["examples"].drop_nulls().to_list() for clip in text.split()})
        entries.append(
            {
                "what": f"test clips of {model} by {metrics}",
                "why": f"{reason} ({where})",
                "clips": of_protocol["clips"].max(),
                "examples": examples[:EXAMPLES],
            }
        )
    return entries


def _cut(answers: pl.DataFrame) -> list[str]:
    return _ids(answers.filter(pl.col("ended") == "length"))


def _usable(inputs: Inputs) -> list[str]:
    return _ids(inputs.manifest.filter(pl.col("error").is_null()))


def _unlabelled(inputs: Inputs) -> list[str]:
    if inputs.of_sets:  # no label is a label there: none of the classes
        return []
    return _ids(inputs.manifest.filter(pl.col("error").is_null() & (pl.col("labels").list.len() == 0)))


def _unplaced(inputs: Inputs) -> list[str]:
    placed = set(inputs.splits["clip_id"].to_list())
    return [clip for clip in _usable(inputs) if clip not in placed]


def _ids(frame: pl.DataFrame) -> list[str]:
    return sorted(set(frame["clip_id"].to_list()))


def _grouped(what: str, frame: pl.DataFrame, why: pl.Expr) -> list[dict[str, Any]]:
    frame = frame.with_columns(why.alias("_why")).filter(pl.col("_why").is_not_null())
    reasons = sorted(set(frame["_why"].to_list()))
    return [entry for reason in reasons for entry in _entry(what, reason, _ids(frame.filter(pl.col("_why") == reason)))]


def _entry(what: str, why: str, clips: list[str]) -> list[dict[str, Any]]:
    if not clips:
        return []
    return [{"what": what, "why": why, "clips": len(clips), "examples": clips[:EXAMPLES]}]
