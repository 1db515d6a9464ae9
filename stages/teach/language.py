"""A language teacher from end to end: texts embedded once, heads trained, the table of what it says written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from safetensors.torch import save_file

from stages.base.paths import Run
from stages.base.schema import MANIFEST
from stages.base.tables import read_table, write_text
from stages.learn.data import Clip
from stages.teach.card import card
from stages.teach.exam import Lesson, learn
from stages.teach.params import Language
from stages.teachers.heads import Heads, places
from stages.teachers.signals import About, lessons, write
from stages.text.encode import versions
from stages.text.model import revision


class Taught(NamedTuple):
    """What the closing line says, and the rows of the teacher's table."""

    words: str
    cached: int
    rows: list[dict[str, Any]]


class Lessons(NamedTuple):
    """A protocol's clips, of which the train part teaches."""

    run: Run
    protocol: str
    train: Sequence[Clip]
    test: Sequence[Clip]
    heads: Heads


def teach(name: str, params: Language, given: Lessons, folder: Path) -> Taught:
    """Teach on clips and write the teacher's folder.

    Raises:
        InputError: a clip has no text, or there is no such encoder.
    """
    run, heads = given.run, given.heads
    said = lessons(given.train, heads, params.by, run.manifest)
    of_subject = dict(read_table(run.manifest, MANIFEST).select("clip_id", "subject").iter_rows())
    lesson = Lesson([text for text, _ in said], places(given.train, heads))
    test = Lesson(
        [text for text, _ in lessons(given.test, heads, params.by, run.manifest)],
        places(given.test, heads),
        [of_subject[clip.clip_id] or "" for clip in given.test],
    )
    did = learn(name, params, heads, lesson, test)
    named = did.named(lesson, heads)
    texts = list(dict.fromkeys(lesson.texts))
    about = About.of(
        params.by,
        heads,
        said,
        encoder=params.encoder,
        revision=revision(Path(did.encoder)),
        pooling=params.pooling,
        versions=versions(),
        named=named,
    )
    first = list(dict.fromkeys(did.taught.tolist()))  # the rows of the distinct texts that teach, in their order
    write(folder, about, texts, did.log_probabilities[first], did.vectors[first])
    weights = {key: value.cpu().contiguous() for key, value in did.model.state_dict().items()}
    save_file(weights, folder / "model.safetensors")
    write_text(folder / "nearest.csv", did.near)
    write_text(folder / "README.md", card(name, params, about, given.protocol, len(given.train), len(texts)))
    parts = ", ".join(f"{head} {share:.3f}" for head, share in named.items())
    words = f"{len(texts)} texts of {len(given.train)} clips, {did.computed} embedded; named right: {parts}"
    return Taught(words, did.cached, did.rows)
