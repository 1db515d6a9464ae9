"""A run small enough to know by heart: 3 classes, 12 clips, 2 methods, 1 null model, hostile texts."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
from PIL import Image

from stages.core import schema
from stages.core.paths import Run
from stages.core.tables import write_json, write_table, write_text
from stages.report.params import ReportParams
from stages.report.render import Rules

CLASSES = ["Drink_Fromcup", "Walk", "WatchTV"]
CLIPS = [f"{name}_p{subject:02}_r00_v00_c02" for name in CLASSES for subject in (2, 10, 11, 14)]
METHODS, NULLS = ["embedded", "bold"], ["null_constant"]
PROTOCOLS, METRICS = ["cs", "cv1"], ["keyword", "nearest_class", "similarity"]
HOSTILE = "</script><script>window.taken = 1</script><img src=x onerror='window.taken = 1'>"
COLUMNS = {
    "differences": ["protocol", "metric", "model", "other", "difference", "low", "high", "p", "p_holm",
                    "clips", "classes", "subjects"],
    "left_out": ["model", "protocol", "metric", "reason", "clips", "examples"],
    "repeats": ["model", "protocol", "metric", "mca", "mca_sd", "repeats"],
}  # fmt: skip


def right(method: str, index: int, metric: str) -> bool:
    """Whether a method is right on a clip: `bold` everywhere by keyword, `embedded` on the first two of a class."""
    if method == "null_constant":
        return metric == "keyword" or index // 4 == 1
    return index % 4 < 2 if method == "embedded" else metric == "keyword" or index % 4 == 0


def write(run: Run) -> None:
    """Write all tables that the page reads, relative to the working folder."""
    unusable = {"clip_id": "broken", "labels": [], "error": "no video stream"}
    write_table(run.manifest, [unusable, *(clip(index) for index in range(12))], schema.MANIFEST)
    parts = [(protocol, name) for protocol in PROTOCOLS for name in CLIPS]
    write_table(run.splits, [{"protocol": protocol, "fold": "", "clip_id": name, "part": "test"}
                             for protocol, name in parts], schema.SPLITS)  # fmt: skip
    write_table(run.captions, [{"clip_id": name, "text": f"reference of {name}", "model": "m", "revision": "r"}
                               for name in CLIPS], schema.CAPTIONS)  # fmt: skip
    write_table(run.keyframes / "0.parquet", [frame(name, rank) for name in CLIPS for rank in (0, 1)], schema.KEYFRAMES)
    for method in METHODS + NULLS:
        write_method(run, method)
    write_numbers(run)


def clip(index: int) -> dict[str, object]:
    """Return a usable clip's row of the manifest."""
    label = CLASSES[index // 4]
    subject = CLIPS[index].split("_p")[1][:2]
    return {"clip_id": CLIPS[index], "labels": [label], "subject": subject, "camera": "02", "md5": "0" * 32}


def frame(name: str, rank: int) -> dict[str, object]:
    """Return a keyframe's row."""
    stream = io.BytesIO()
    Image.new("RGB", (320, 240), (40 * rank, 90, len(name))).save(stream, "JPEG")
    image = {"bytes": stream.getvalue(), "path": None}
    return {"clip_id": name, "rank": rank, "frame": 5 * rank, "time": 0.2 * rank, "image": image}


def write_method(run: Run, method: str) -> None:
    """Write predictions, measures and verdicts of a method; `bold` has no answer for the first clip."""
    answers, measures, verdicts = [], [], []
    for index, name in enumerate(CLIPS):
        missing = method == "bold" and index == 0
        text = HOSTILE if index == 1 else f"{method} sees {CLASSES[index // 4]} number {index}"
        answers.append({"clip_id": name, "method": method, "repeat": 0, "text": None if missing else text,
                        "status": "missing" if missing else "ok", "detail": "not in the file" if missing else None,
                        "prompt_hash": f"prompt-{method}", "revision": f"revision-{method}"})  # fmt: skip
        for metric in METRICS:
            good = right(method, index, metric)
            value = None if missing else (0.75 if good else 0.25) if metric == "similarity" else float(good)
            label = CLASSES[index // 4 if good else 1 - index // 8] if metric == "nearest_class" else None
            about = {"clip_id": name, "method": method, "metric": metric}
            detail = "missing: not in the file" if missing else None
            measures.append({**about, "repeat": 0, "value": value, "label": label, "detail": detail})
            verdicts.append({**about, "right": None if missing else float(good), "label": None if missing else label,
                             "repeats": 1, "left_out": detail})  # fmt: skip
    write_table(run.predictions(method), answers, schema.PREDICTIONS)
    write_table(run.measures(method) / "measures.parquet", measures, schema.MEASURES)
    write_table(run.verdicts(method), verdicts, schema.VERDICTS)


def write_numbers(run: Run) -> None:
    """Write what `compare` and `ingest` write."""
    keys = [(method, protocol, metric) for method in METHODS + NULLS for protocol in PROTOCOLS for metric in METRICS]
    mca = {key: sum(right(key[0], index, key[2]) for index in range(12)) / 12 for key in keys}
    csv(run.metrics / "summary.csv", [
        {"model": method, "protocol": protocol, "metric": metric, "mca": value, "mca_low": max(0, value - 0.2),
         "mca_high": min(1, value + 0.2), "macro_f1": value if metric == "nearest_class" else None, "accuracy": value,
         "clips": 12, "classes": 3, "subjects": 4}
        for (method, protocol, metric), value in mca.items()])  # fmt: skip
    csv(run.metrics / "differences.csv", [
        dict(zip(COLUMNS["differences"], (protocol, metric, "bold", other,
                 mca["bold", protocol, metric] - mca[other, protocol, metric], -0.1, 0.4, 0.02, 0.04, 12, 3, 4),
                 strict=True))
        for protocol in PROTOCOLS for metric in METRICS for other in ("embedded", "null_constant")])  # fmt: skip
    csv(run.metrics / "left_out.csv", [
        dict(zip(COLUMNS["left_out"], ("bold", protocol, "keyword", "missing: not in the file", 1, CLIPS[0]),
                 strict=True)) for protocol in PROTOCOLS])  # fmt: skip
    csv(run.metrics / "repeats.csv", pl.DataFrame(schema=COLUMNS["repeats"]))
    csv(run.data / "per_class.csv", [
        {"method": method, "protocol": protocol, "metric": metric, "class": name, "value": 0.25 * (place + 1),
         "low": 0.1, "high": 0.9, "clips": 4, "subjects": 4}
        for method, protocol, metric in keys for place, name in enumerate(CLASSES)])  # fmt: skip
    csv(run.data / "confusion.csv", [
        {"method": method, "protocol": "cs", "metric": "nearest_class", "actual": name, "predicted": named, "clips": 2}
        for method in METHODS for name in CLASSES for named in ("Walk", "(none)")])  # fmt: skip
    csv(run.data / "sweep.csv", [
        {"method": method, "protocol": "cs", "metric": "similarity", "threshold": step / 4, "mca": 1 - step / 4}
        for method in METHODS + NULLS for step in range(5)])  # fmt: skip
    csv(run.data / "validity.csv", [
        {"method": method, "protocol": "cs", "metric": "similarity", "auc": 0.8} for method in METHODS])  # fmt: skip
    write_json(run.metrics / "audit.json", [{
        "protocol": "cv1", "kind": "subject_on_both_sides", "severity": "note", "text": "clips <b>whose</b> subject",
        "clips": 12, "classes": CLASSES, "subjects": {"02": 3}, "cameras": {}, "examples": CLIPS[:3],
        "accepted": False}])  # fmt: skip


def csv(path: Path, rows: list[dict[str, object]] | pl.DataFrame) -> None:
    """Write rows as CSV."""
    write_text(path, (rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)).write_csv())


def params(**changes: object) -> ReportParams:
    """Return the report's params with changes."""
    values = {
        "title": "A small <run>",
        "about": "What it is.",
        "names": {"bold": "Bold & brave"},
        "protocols": ["cs"],
        "metrics": ["keyword"],
        "targets": None,
        "contact_sheet": None,
        "controls": None,
        "examples_per_class": None,
        "images": "unless_licensed",
        "thumbnails_per_class": 2,
        "thumbnail_width": 64,
    }
    return ReportParams.model_validate({**values, **changes})


def rules(*, licensed: bool = False) -> Rules:
    """Return the params of other stages that the page states."""
    return Rules({"keyword": 0.5, "similarity": 0.5}, 0.95, licensed)
