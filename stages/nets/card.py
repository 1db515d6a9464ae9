"""The card beside a method's weights: what they are, what they learnt from, and what to keep in mind."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from stages.learn.data import Fold, Task
from stages.learn.loop import Fitted
from stages.nets.trained import TrainParams

_CARD = """---
pipeline_tag: video-classification
---

# {method} on {dataset}

{architecture}, from {start}, trained on the train part of protocol `{protocol}` of data set `{dataset}` to tell
{classes} classes apart ({labels} labels).

| fold | train | validation | test | epochs | kept | validation quality |
|---|---|---|---|---|---|---|
{folds}

Quality is mean class accuracy, for several labels macro-F1 at 0.5. Test clips took part in nothing of this.
{notes}
Classes: {names}.

Params:

```yaml
{params}```
"""


def card(
    dataset: str, method: str, params: TrainParams, task: Task, fitted: Sequence[Fitted], said: Sequence[str]
) -> str:
    """Return the text of the card; `said` is what to keep in mind."""
    notes = "".join(f"\n- {line}" for line in said)
    return _CARD.format(
        method=method,
        dataset=dataset,
        architecture=params.net.architecture,
        start=f"`{params.net.weights}`" if params.net.weights else "random weights",
        protocol=params.protocol,
        classes=len(task.classes),
        labels=task.labels,
        folds="\n".join(_row(fold, one) for fold, one in zip(task.folds, fitted, strict=True)),
        notes=f"\nTo keep in mind:\n{notes}\n" if notes else "",
        names=", ".join(task.classes),
        params=yaml.safe_dump(params.model_dump(mode="json") | {"labels": task.labels}, sort_keys=True, width=100),
    )


def _row(fold: Fold, fitted: Fitted) -> str:
    found = next((epoch.validation_quality for epoch in fitted.history if epoch.epoch == fitted.best), None)
    quality = "none" if found is None else f"{found:.3f}"
    name = fold.name or "all"
    return (
        f"| {name} | {len(fold.train)} | {len(fold.validation)} | {len(fold.test)} | {len(fitted.history)} "
        f"| {fitted.best} | {quality} |"
    )
