"""The model card of what a cell leaves."""

from __future__ import annotations

from stages.adapt.cell import Learnt, Setting
from stages.adapt.params import Captions, FtLc
from stages.learn.data import Task

_CARD = """---
base_model: {base}
library_name: {library}
---

# {name}

{what} Written by `python -m stages.adapt {dataset} {name} {model} {recipe} {protocol}`.

- **Base model**: {base} at {revision}; another revision is refused.
- **Learnt from**: the train part of protocol `{protocol}` of data set `{dataset}`{folds}; the best epoch was chosen on
  its validation part where it has one. Its test clips were not seen.
- **Classes**: {classes}.
- **Asked**: "{prompt}"
- **Weights**: {weights}
"""

_HEAD = (
    "`head.safetensors` is a linear layer on the mean of the last hidden states at the visual tokens, `head.json` has "
    "the classes in the order of its logits; `stages.adapt.saved.load` puts it on the base model."
)


def card(setting: Setting, task: Task, made: Learnt) -> str:
    """Return the text of the card."""
    cell, way, backend = setting.cell, setting.way, setting.backend
    adapter = "`adapter_config.json` and `adapter_model.safetensors` are LoRA in peft's format."
    if isinstance(way, Captions):
        what = f"{adapter} Name this folder as `adapter` in a file of params/models to ask the adapted model."
    else:
        what = _HEAD if isinstance(way, FtLc) else f"{adapter} {_HEAD}"
    return _CARD.format(
        base=backend.params.name,
        library="safetensors" if isinstance(way, FtLc) else "peft",
        name=cell.method,
        what=what,
        dataset=cell.dataset,
        model=cell.model,
        recipe=cell.recipe,
        protocol=cell.protocol,
        revision=backend.revision,
        folds=f", one model a fold: {', '.join(fold.name for fold in task.folds)}" if len(task.folds) > 1 else "",
        classes="none, it speaks" if isinstance(way, Captions) else ", ".join(task.classes),
        prompt=setting.prompt,
        weights=", ".join(revision.rpartition("+")[2] for revision in made.revisions),
    )
