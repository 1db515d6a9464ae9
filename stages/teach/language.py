"""A language teacher from end to end: texts embedded once, heads trained, the table of what it says written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.torch import save_file

from stages.base.tables import write_text
from stages.journal.store import Journal
from stages.learn.data import Clip
from stages.learn.device import start
from stages.teach.card import card
from stages.teach.params import Language
from stages.teachers.heads import Heads, places, sizes
from stages.teachers.signals import About, lessons, write
from stages.teachers.texts import Vectors, learn_heads, log_probabilities
from stages.text.encode import versions
from stages.text.model import model_folder, revision
from stages.text.sentences import KIND, Sentences


class Taught(NamedTuple):
    """What the closing line says."""

    words: str
    spared: int


def teach(name: str, params: Language, clips: Sequence[Clip], heads: Heads, manifest: Path, folder: Path) -> Taught:
    """Teach on clips and write the teacher's folder.

    Raises:
        InputError: a clip has no text, or there is no such encoder.
    """
    accelerator = start(params.recipe)
    said = lessons(clips, heads, params.by, manifest)
    encoder = model_folder(params.encoder, params.revision)
    with Journal("embed", *[KIND]) as journal:
        sentences = Sentences(
            str(encoder), journal, progress=f"teach {name}, texts", precision=params.precision, pooling=params.pooling
        )
        rows = sentences.rows([text for text, _ in said])
        vectors, computed = sentences.vectors, sentences.computed
    wanted = places(clips, heads)
    model, fitted = learn_heads(accelerator, Vectors(vectors, rows, wanted), heads, params.recipe, f"teach {name}")
    found = log_probabilities(model, vectors, sizes(heads))
    right = _right(found[rows], wanted, sizes(heads))
    texts = list(dict.fromkeys(text for text, _ in said))
    about = About.of(
        params.by,
        heads,
        said,
        encoder=params.encoder,
        revision=revision(encoder),
        pooling=params.pooling,
        versions=versions(),
        named=dict(zip(heads, right, strict=True)),
    )
    if accelerator.is_main_process:
        write(folder, about, texts, found, vectors)
        weights = {name: value.cpu().contiguous() for name, value in model.state_dict().items()}
        save_file(weights, folder / "model.safetensors")
        write_text(folder / "README.md", card(name, params, about, len(clips), len(texts)))
    parts = ", ".join(f"{head} {share:.3f}" for head, share in about.teacher["named"].items())
    return Taught(f"{len(texts)} texts of {len(clips)} clips, {computed} embedded; named right: {parts}", fitted.spared)


def _right(found: np.ndarray, wanted: np.ndarray, of: Sequence[int]) -> list[float]:
    """Return the share of train clips whose class each head names."""
    parts = np.split(found, np.cumsum(of)[:-1], axis=1)
    return [round(float((part.argmax(1) == wanted[:, head]).mean()), 6) for head, part in enumerate(parts)]
