"""A video model as teacher: what it says of the train clips, and what its head sees of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from stages.base.errors import InputError
from stages.base.params import compute
from stages.base.tables import write_text
from stages.learn.augment import looks
from stages.learn.checkpoint import weights_hash
from stages.learn.data import Clip
from stages.learn.device import predict, start
from stages.learn.frames import Store
from stages.learn.source import Clips
from stages.nets.asked import shape
from stages.nets.beside import attach
from stages.nets.models import build
from stages.teach.card import card
from stages.teach.language import Taught
from stages.teach.params import Video
from stages.teachers.heads import Heads, outputs, sizes
from stages.teachers.signals import About, lessons, write


def teach(name: str, params: Video, clips: Sequence[Clip], heads: Heads, manifest: Path, folder: Path) -> Taught:
    """Ask a model about clips and write the teacher's folder.

    Raises:
        InputError: it is not trained, or tells other classes apart.
    """
    if params.net.weights is None or params.net.head != "keep":
        raise InputError(
            "a teacher has learnt already", file="params.yaml", key=f"teach.*.{name}.net", do="name its weights"
        )
    accelerator = start(params.recipe)
    built = build(params.net, shape(params), outputs(heads))
    version, count = weights_hash(built.model), sum(sizes(heads))
    if params.embedding:
        attach(built.model, nn.Identity())
    store = Store(params.pixels)
    with accelerator.main_process_first():
        store.keep(clips, compute().processes)
    none = torch.zeros(len(clips), dtype=torch.int64)
    found = []
    for look in looks(params.pixels, params.views):
        source = Clips(clips, none, store, built.mean, built.std, look=look)
        found.append(predict(accelerator, built.model, source, params.recipe.batch).astype(np.float64))
    out = np.mean(found, axis=0)
    parts = torch.split(torch.from_numpy(out[:, :count]), sizes(heads), dim=1)
    logs = torch.cat([part.log_softmax(1) for part in parts], 1).numpy()
    said = lessons(clips, heads, "clip", manifest)
    about = About.of(
        "clip", heads, said, architecture=params.net.architecture, weights=params.net.weights, revision=version
    )
    if accelerator.is_main_process:
        write(folder, about, [key for key, _ in said], logs, out[:, count:] if params.embedding else None)
        write_text(folder / "README.md", card(name, params, about, len(clips), len(clips)))
    return Taught(f"{len(clips)} clips", 0)
