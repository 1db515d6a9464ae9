"""The null models of data sets whose clips have several labels or none: the same three, as sets of classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import MANIFEST, PREDICTIONS
from stages.base.tables import read_table
from stages.labels.classes import ClassList
from stages.nulls.draw import exchange
from stages.nulls.null_rows import Nulls, Row, tested
from stages.nulls.params import NullParams

Sets = Mapping[str, tuple[str, ...]]


def sets(run: Run, params: NullParams, listed: ClassList) -> Nulls:
    """Return the null models that name sets, for every usable clip.

    Class scores rank no clip above another: `null_constant` gives each class its share of the clips that it was chosen
    on, so that its average precision is what a method gets that knows nothing but how often a class occurs.

    Raises:
        InputError: no clip has a label, or there are no answers to exchange.
    """
    manifest = read_table(run.manifest, MANIFEST).filter(pl.col("error").is_null())
    actual = {clip: tuple(labels) for clip, labels in manifest.select("clip_id", "labels").iter_rows()}
    classes = listed.names
    if not classes:
        raise InputError("no usable clip has a label", file=run.classes, do="null models need classes")
    left_out = tested(run)
    pool = [labels for clip, labels in actual.items() if clip not in left_out]
    where = f"chosen on {len(pool)} clips that no protocol tests on"
    if not pool:
        pool, where = list(actual.values()), f"chosen on all {len(actual)} clips: each is in a test part"
    counts = Counter(pool)
    most = min(counts, key=lambda labels: (-counts[labels], labels))  # of equally frequent ones the first by name
    shares = [sum(name in labels for labels in pool) / len(pool) for name in classes]
    tables = {
        "null_constant": _same(actual, most, classes, shares, where),
        "null_every_class": _same(actual, classes, classes, [1.0] * len(classes), None),
        "null_shuffled": _shuffled(run, actual, params),
    }
    return Nulls(tables, len(actual), "+".join(most) or "no class", 0)


def _same(
    clips: Sets, named: Sequence[str], classes: Sequence[str], scores: Sequence[float], detail: str | None
) -> Iterator[Row]:
    answer = {"labels": list(named), "classes": list(classes), "class_scores": list(scores)}
    for clip in clips:
        yield {"clip_id": clip, "repeat": 0, "status": "ok", "detail": detail, **answer}


def _shuffled(run: Run, actual: Sets, params: NullParams) -> Iterator[Row]:
    """Yield rows whose sets were exchanged between clips of different sets, `params.repeats` times.

    Each repeat takes the next of `params.models` in turn. A clip without an answer takes no part in the exchange.
    """
    answers = {model: _answers(run, model, actual) for model in params.models}
    for repeat in range(params.repeats):
        model = params.models[repeat % len(params.models)]
        names = sorted(answers[model])
        codes = ["+".join(actual[clip]) for clip in names]
        if len(set(codes)) < 2:
            raise InputError(
                "all answers are about one set of labels", file=run.predictions(model), do="nothing to exchange"
            )
        donors = exchange(codes, np.random.default_rng([params.seed, repeat]))
        for clip, donor in zip(names, donors, strict=True):
            source = names[donor]
            about = {"clip_id": clip, "repeat": repeat, "status": "ok", "detail": f"{model}: {source}"}
            yield about | answers[model][source]


def _answers(run: Run, model: str, actual: Sets) -> dict[str, Row]:
    file = run.predictions(model)
    rows = read_table(file, PREDICTIONS).filter((pl.col("repeat") == 0) & pl.col("labels").is_not_null())
    kept = rows.select("clip_id", "labels", "classes", "class_scores").iter_rows(named=True)
    found = {row.pop("clip_id"): row for row in kept if row["clip_id"] in actual}
    if not found:
        raise InputError("no answers to exchange", file=file, do="name models that name classes under nulls.models")
    return found
