"""A video model as teacher: what it says of the train clips, and what its head sees of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from stages.base.errors import InputError
from stages.base.params import compute
from stages.base.tables import write_text
from stages.learn.augment import views_at_test
from stages.learn.checkpoint import weights_hash
from stages.learn.device import predict, start
from stages.learn.frames import Store
from stages.learn.source import Clips
from stages.nets.asked import shape
from stages.nets.beside import attach
from stages.nets.models import build
from stages.teach.card import card
from stages.teach.language import Lessons, Taught
from stages.teach.params import Video
from stages.teachers.heads import outputs, places, sizes
from stages.teachers.signals import About, lessons, write


def teach(name: str, params: Video, given: Lessons, folder: Path) -> Taught:
    """Ask a model about clips and write the teacher's folder.

    Raises:
        InputError: it is not trained, or tells other classes apart.
    """
    if params.net.weights is None or params.net.head != "keep":
        raise InputError(
            "a teacher has learnt already", file="params/recipes", key=f"{name}: net", do="name its weights"
        )
    heads, clips = given.heads, given.train
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
    for look in views_at_test(params.pixels, params.views):
        source = Clips(clips, none, store, built.mean, built.std, look=look)
        found.append(predict(accelerator, built.model, source, params.recipe.batch).astype(np.float64))
    out = np.mean(found, axis=0)
    parts = torch.split(torch.from_numpy(out[:, :count]), sizes(heads), dim=1)
    logs = torch.cat([part.log_softmax(1) for part in parts], 1).numpy()
    said = lessons(clips, heads, "clip", given.run.manifest)
    about = About.of(
        "clip", heads, said, architecture=params.net.architecture, weights=params.net.weights, revision=version
    )
    write(folder, about, [key for key, _ in said], logs, out[:, count:] if params.embedding else None)
    write_text(folder / "README.md", card(name, params, about, given.protocol, len(clips), len(clips)))
    return Taught(f"{len(clips)} clips", 0, _rows(name, logs, given))


def _rows(name: str, logs: NDArray[np.float64], given: Lessons) -> list[dict[str, Any]]:
    """Return how often each head names the class of a train clip."""
    wanted = places(given.train, given.heads)
    parts = np.split(logs, np.cumsum(sizes(given.heads))[:-1], axis=1)
    hits = [part.argmax(1) == wanted[:, place] for place, part in enumerate(parts)]
    return [
        {"teacher": name, "part": "train", "head": head, "clips": len(wanted), "accuracy": float(right.mean())}
        for head, right in zip(given.heads, hits, strict=True)
    ]
