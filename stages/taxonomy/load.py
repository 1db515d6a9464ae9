"""The taxonomy file: source label -> class -> sentences, checked as a whole.

HHIRChat (Ray et al., "OV-HHIR", section II.A) turns the hard labels of ten public sets into one vocabulary and each
class into descriptions. `interactions.yaml` of this room is ours, for the paper publishes neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pydantic import ValidationError

from stages.base.errors import InputError
from stages.labels.words import in_words
from stages.taxonomy.model import FILE, OWN, Taxonomy


class Interaction(NamedTuple):
    """A clip's class, and the sentence that tells it."""

    label: str
    """The data set's own one where the taxonomy has none for it, so that ingest can say so."""
    sentence: str | None


def interaction(source: str, label: str, clip_id: str) -> Interaction:
    """Return class and sentence of a clip by its data set's own label."""
    taxonomy = load()
    name = taxonomy.labels_of(source).get(label)
    return Interaction(label, None) if name is None else Interaction(name, taxonomy.sentence(name, clip_id))


@cache
def load() -> Taxonomy:
    """Return this repository's taxonomy."""
    return read(FILE)


def extended(folder: Path) -> Taxonomy:
    """Return this repository's taxonomy with what a data set adds in the folder of its lists.

    Raises:
        InputError: its file is no taxonomy, or the two contradict each other.
    """
    own = folder / OWN
    if not own.exists():
        return load()
    added, base = _parsed(own), load()
    sources = {name: dict(labels) for name, labels in base.sources.items()}
    for name, labels in added.sources.items():
        for label, into in labels.items():
            if sources.get(name, {}).get(label, into) != into:
                _wrong(own, f"sources.{name}.{label}", f"is {sources[name][label]} already", "leave the line out")
            sources.setdefault(name, {})[label] = into
    if both := sorted(set(added.classes) & set(base.classes)):
        _wrong(own, f"classes.{both[0]}", f"{FILE.name} has the class already", "leave its sentences out")
    still = {name: why for name, why in base.open.items() if name not in sources}
    classes = {**base.classes, **added.classes}
    return _checked(own, Taxonomy(version=added.version, sources=sources, open=still, classes=classes))


def read(path: Path) -> Taxonomy:
    """Return a taxonomy file.

    Raises:
        InputError: no such file, no YAML, a key twice, or what `_checked` finds.
    """
    return _checked(path, _parsed(path))


def _parsed(path: Path) -> Taxonomy:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Once)
    except FileNotFoundError:
        raise InputError("no such file", file=path, do="write it as stages/taxonomy/interactions.yaml is") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"not YAML: {' '.join(str(error).split())}", file=path, do="mend it") from None
    try:
        return Taxonomy.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{first['msg']}, got {first['input']!r:.80}", file=path, key=key or None, do="correct it"
        ) from None


def _checked(path: Path, taxonomy: Taxonomy) -> Taxonomy:
    for key, what, do in _faults(taxonomy):
        _wrong(path, key, what, do)
    return taxonomy


def _faults(taxonomy: Taxonomy) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong: where, what, and what to do."""
    named = {into for labels in taxonomy.sources.values() for into in labels.values()}
    for source, labels in taxonomy.sources.items():
        if source in taxonomy.open:
            yield f"open.{source}", "its labels are under `sources`", "take it out of `open`"
        for label, into in labels.items():
            if into not in taxonomy.classes:
                yield f"sources.{source}.{label}", f"there is no class {into!r}", "add it to `classes`, with sentences"
    words: dict[str, str] = {}
    told: dict[str, str] = {}
    for name, said in taxonomy.classes.items():
        called = in_words(name)
        if called in words:
            yield f"classes.{name}", f"{words[called]} is the same class, {called!r} in words", "keep one of the two"
        words[called] = name
        if not said or not all(line.strip() for line in said):
            yield f"classes.{name}", "a class without a sentence, or with a blank one", "describe it"
        if name not in named:
            yield f"classes.{name}", "no data set has a label of this class", "add the label, or take the class out"
        for line in said:
            if line in told:
                yield f"classes.{name}", f"{line!r} tells {told[line]} too", "a sentence tells one class, once"
            told[line] = name


def _wrong(path: Path, key: str, what: str, do: str) -> None:
    raise InputError(what, file=path, key=key, do=do)


class _Once(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error: the first would be lost without a word."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if isinstance(name, str) and name in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{name!r} stands here twice", key.start_mark)
            seen.add(name if isinstance(name, str) else id(key))
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found
