"""Runs made for the page's tests and benchmark. SMALL can be known by heart: 12 clips, 3 methods, a hostile text."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from PIL import Image

from stages.base import schema
from stages.base.paths import Run
from stages.base.tables import write_json, write_table, write_text
from stages.report.params import ReportParams
from stages.report.render import Rules
from tests.class_list import write_class_list
from tests.records import list_methods

PROTOCOLS, METRICS = ["cs", "cv1"], ["keyword", "nearest_class", "similarity"]
TITLES = {"bold": "Bold & brave"}
HOSTILE = "</script><script>window.taken = 1</script><img src=x onerror='window.taken = 1'>"
EMPTY = {
    "left_out": ["model", "protocol", "metric", "reason", "clips", "examples"],
    "repeats": ["model", "protocol", "metric", "mca", "mca_sd", "repeats"],
}


#: `images` of a page, whether its data set is licensed, and whether pictures are shown then.
RULE_OF_IMAGES = (
    ("images", "licensed", "shown"),
    [
        ("unless_licensed", False, True),
        ("unless_licensed", True, False),
        ("always", True, True),
        ("never", False, False),
    ],
)


@dataclass(frozen=True)
class Study:
    """What a made run holds. Clips are named as Smarthome's are, in order of their names."""

    classes: list[str]
    clips: list[str]
    methods: list[str]
    nulls: list[str]
    text: Callable[[str, int], str | None]
    """Of a method and a clip's place; None: there is no answer."""
    right: Callable[[str, int, str], bool]
    """Of a method, a clip's place and a metric."""

    def label(self, index: int) -> str:
        """Return a clip's class."""
        return self.clips[index].rsplit("_p", 1)[0]


def _text(method: str, index: int) -> str | None:
    if (method, index) == ("bold", 0):
        return None
    return HOSTILE if index == 1 else f"{method} sees {SMALL.label(index)} number {index}"


def _right(method: str, index: int, metric: str) -> bool:
    """`bold` is right everywhere by keyword, `embedded` on the first two clips of a class, the null model on Walk."""
    if method == "null_constant":
        return metric == "keyword" or index // 4 == 1
    return index % 4 < 2 if method == "embedded" else metric == "keyword" or index % 4 == 0


_CLASSES = ["Drink_Fromcup", "Walk", "WatchTV"]
SMALL = Study(
    classes=_CLASSES,
    clips=[f"{name}_p{subject:02}_r00_v00_c02" for name in _CLASSES for subject in (2, 10, 11, 14)],
    methods=["embedded", "bold"],
    nulls=["null_constant"],
    text=_text,
    right=_right,
)


def write(run: Run, made: Study = SMALL, *, keyframes: bool = True) -> None:
    """Write all tables that the page reads, relative to the working folder; one more clip is unusable."""
    rows = [
        {"clip_id": name, "labels": [made.label(index)], "subject": name.split("_p")[1][:2], "camera": name[-2:]}
        for index, name in enumerate(made.clips)
    ]
    broken = {"clip_id": "broken", "labels": [], "error": "no video stream"}
    write_table(run.manifest, [broken, *rows], schema.MANIFEST)
    write_class_list(run)
    parts = [(protocol, name) for protocol in PROTOCOLS for name in made.clips]
    write_table(
        run.splits,
        [{"protocol": protocol, "fold": "", "clip_id": name, "part": "test"} for protocol, name in parts],
        schema.SPLITS,
    )
    write_table(
        run.captions,
        [{"clip_id": name, "text": f"reference of {name}", "model": "m", "revision": "r"} for name in made.clips],
        schema.CAPTIONS,
    )
    if keyframes:
        frames = [frame(name, rank) for name in made.clips for rank in (0, 1)]
        write_table(run.keyframes / "0.parquet", frames, schema.KEYFRAMES)
    for method in made.methods + made.nulls:
        write_method(run, made, method)
    list_methods(run, made.methods + made.nulls, titles=TITLES)
    write_numbers(run, made)


def frame(name: str, rank: int) -> dict[str, object]:
    """Return a keyframe's row."""
    stream = io.BytesIO()
    Image.new("RGB", (320, 240), (40 * rank, 90, len(name))).save(stream, "JPEG")
    image = {"bytes": stream.getvalue(), "path": None}
    return {"clip_id": name, "rank": rank, "frame": 5 * rank, "time": 0.2 * rank, "image": image}


def write_method(run: Run, made: Study, method: str) -> None:
    """Write predictions, measures and verdicts of a method."""
    answers, measures, verdicts = [], [], []
    for index, name in enumerate(made.clips):
        text = made.text(method, index)
        missing = text is None
        detail = "missing: not in the file" if missing else None
        answers.append(
            {
                "clip_id": name,
                "method": method,
                "repeat": 0,
                "text": text,
                "status": "missing" if missing else "ok",
                "detail": "not in the file" if missing else None,
                "prompt_hash": f"prompt-{method}",
                "revision": f"revision-{method}",
            }
        )
        for metric in METRICS:
            good = made.right(method, index, metric)
            value = None if missing else (0.75 if good else 0.25) if metric == "similarity" else float(good)
            place = made.classes.index(made.label(index)) + (0 if good else 1)
            label = made.classes[place % len(made.classes)] if metric == "nearest_class" and not missing else None
            about = {"clip_id": name, "method": method, "metric": metric, "label": label}
            measures.append({**about, "repeat": 0, "value": value, "detail": detail})
            verdicts.append({**about, "right": None if missing else float(good), "repeats": 1, "left_out": detail})
    write_table(run.predictions(method), answers, schema.PREDICTIONS)
    write_table(run.measures(method) / "measures.parquet", measures, schema.MEASURES)
    write_table(run.verdicts(method), verdicts, schema.VERDICTS)


def write_numbers(run: Run, made: Study) -> None:
    """Write what `compare` and `ingest` write; sizes and intervals are made up, and differences in macro-F1."""
    everyone, size = made.methods + made.nulls, len(made.clips)
    keys = [(method, protocol, metric) for method in everyone for protocol in PROTOCOLS for metric in METRICS]
    mca = {
        (method, metric): sum(made.right(method, index, metric) for index in range(size)) / size
        for method in everyone
        for metric in METRICS
    }
    csv(
        run.metrics / "summary.csv",
        [
            {
                "model": method,
                "protocol": protocol,
                "metric": metric,
                "mca": mca[method, metric],
                "mca_low": max(0, mca[method, metric] - 0.2),
                "mca_high": min(1, mca[method, metric] + 0.2),
                "macro_f1": mca[method, metric] if metric == "nearest_class" else None,
                "accuracy": mca[method, metric],
                "clips": size,
                "classes": len(made.classes),
                "subjects": 4,
            }
            for method, protocol, metric in keys
        ],
    )
    csv(
        run.metrics / "differences.csv",
        [
            {
                "protocol": protocol,
                "metric": metric,
                "model": made.methods[-1],
                "other": other,
                "aggregate": number,
                "difference": 0.125 if number == "macro_f1" else mca[made.methods[-1], metric] - mca[other, metric],
                "low": -0.1,
                "high": 0.4,
                "p": 0.02,
                "p_holm": 0.04,
                "clips": size,
                "classes": len(made.classes),
                "subjects": 4,
            }
            for protocol in PROTOCOLS
            for metric in METRICS
            for number in (["mca", "macro_f1"] if metric == "nearest_class" else ["mca"])
            for other in everyone
            if other != made.methods[-1]
        ],
    )
    missing = [(method, index) for method in everyone for index in range(size) if made.text(method, index) is None]
    csv(
        run.metrics / "left_out.csv",
        [
            {
                "model": method,
                "protocol": protocol,
                "metric": "keyword",
                "reason": "missing: not in the file",
                "clips": 1,
                "examples": made.clips[index],
            }
            for method, index in missing
            for protocol in PROTOCOLS
        ]
        or pl.DataFrame(schema=EMPTY["left_out"]),
    )
    csv(run.metrics / "repeats.csv", pl.DataFrame(schema=EMPTY["repeats"]))
    csv(
        run.data / "per_class.csv",
        [
            {
                "method": method,
                "protocol": protocol,
                "metric": metric,
                "class": name,
                "value": (place + 1) / (len(made.classes) + 1),
                "low": 0.1,
                "high": 0.9,
                "clips": 4,
                "subjects": 4,
            }
            for method, protocol, metric in keys
            for place, name in enumerate(made.classes)
        ],
    )
    csv(
        run.data / "confusion.csv",
        [
            {
                "method": method,
                "protocol": "cs",
                "metric": "nearest_class",
                "actual": name,
                "predicted": named,
                "clips": 2,
            }
            for method in made.methods
            for name in made.classes
            for named in ("Walk", "(none)")
        ],
    )
    csv(
        run.data / "sweep.csv",
        [
            {"method": method, "protocol": "cs", "metric": "similarity", "threshold": step / 4, "mca": 1 - step / 4}
            for method in everyone
            for step in range(5)
        ],
    )
    csv(
        run.data / "validity.csv",
        [{"method": method, "protocol": "cs", "metric": "similarity", "auc": 0.8} for method in made.methods],
    )
    write_json(
        run.metrics / "audit.json",
        [
            {
                "protocol": "cv1",
                "kind": "subject_on_both_sides",
                "severity": "note",
                "text": "clips <b>whose</b> subject",
                "clips": 12,
                "classes": made.classes,
                "subjects": {"02": 3},
                "cameras": {},
                "examples": made.clips[:3],
                "accepted": False,
            }
        ],
    )


def csv(path: Path, rows: list[dict[str, object]] | pl.DataFrame) -> None:
    """Write rows as CSV."""
    write_text(path, (rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)).write_csv())


def params(**changes: object) -> ReportParams:
    """Return the report's params with changes."""
    values = {
        "title": "A small <run>",
        "about": "What it is.",
        "names": {"theirs": "Theirs & nobody's"},
        "protocols": ["cs"],
        "metrics": ["keyword"],
        "examples_per_class": None,
        "images": "unless_licensed",
        "thumbnails_per_class": 2,
        "thumbnail_width": 64,
    }
    return ReportParams.model_validate({**values, **changes})


def rules(*, licensed: bool = False, **more: Path) -> Rules:
    """Return what else the page states."""
    return Rules({"keyword": 0.5, "similarity": 0.5}, 0.95, licensed, **more)
