"""The model card of what a cell leaves."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from stages.interact.cell import Cell, Frozen
from stages.interact.params import Naming, Talking
from stages.learn.data import Task

_CARD = """---
pipeline_tag: video-text-to-text
library_name: safetensors
---

# {method} on {dataset}

{what} Trained for {steps} steps on the train part of protocol `{protocol}` of data set `{dataset}`; its test clips took
part in nothing of this.

`model.safetensors` has the learnt half alone, `config.json` the recipe and the frozen models that it belongs to:
{frozen}. `stages.interact.saved.load` puts it before them; others are refused.

- **Streams**: {streams}, from {source}.
- **Classes**: {classes}.
{notes}
Params:

```yaml
{params}```
"""

_TALKING = "OV-HHIR (Ray et al.): a Q-Former a stream before a frozen language model, asked to describe and to name."
_NAMING = "A classifier on the frozen features of each stream, without language."


def card(cell: Cell, way: Talking | Naming, frozen: Frozen, task: Task, notes: Sequence[str], steps: int) -> str:
    """Return the text of the card."""
    return _CARD.format(
        method=cell.method,
        dataset=cell.dataset,
        what=_TALKING if isinstance(way, Talking) else _NAMING,
        steps=steps,
        protocol=cell.protocol,
        frozen=", ".join(f"{kind} {one['name']} at {one['revision']}" for kind, one in frozen.named.items()),
        streams=", ".join(way.seeing.names),
        source=f"`{cell.streams}`" if cell.streams else "whole frames",
        classes=", ".join(task.classes),
        notes="".join(f"- **Note**: {note}.\n" for note in notes),
        params=yaml.safe_dump(way.model_dump(mode="json"), sort_keys=True, width=100),
    )
