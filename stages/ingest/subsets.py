"""Which test clips a subset keeps: seen and unseen subjects, rare verbs and nouns, pairs that training never had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from stages.annotated.base import Annotations
from stages.base.errors import InputError
from stages.ingest.manifest_rows import Row
from stages.ingest.params import Subset
from stages.ingest.parts import Parts
from stages.ingest.protocols import Part


def rule(of: str, subset: Subset) -> str:
    """Return a subset's rule in one line."""
    if subset.tests is None:
        which = "Clips" if len(subset.parts) == 3 else f"In {' and '.join(subset.parts)}: clips"
        return f"{which} of {of} {'of' if subset.kept else 'without'} the classes {', '.join(subset.classes)}."
    what = {
        "seen_subjects": "of subjects who train",
        "unseen_subjects": "of subjects who do not train",
        "seen_classes": "of classes that train",
        "unseen_classes": "of classes that do not train",
        "tail_verbs": "whose verb is rare",
        "tail_nouns": "whose noun is rare",
        "tail_any": "whose verb or noun is rare",
        "tail_both": "whose verb and noun are rare",
        "new_pairs": "whose verb and noun train, but not together",
    }
    return f"Test clips of {of} {what[subset.tests]}."


def parts_of(
    name: str, subset: Subset, parts: Parts, usable: Mapping[str, Row], listed: Annotations | None
) -> Iterator[Part]:
    """Return the parts of a subset; `listed` has what the data set publishes.

    Raises:
        InputError: no clip is left to test, or the clips have no subjects, verbs or nouns to go by.
    """
    if subset.tests is None:
        return (part for part in parts if part.part not in subset.parts or _in(usable[part.clip_id], subset))
    kept = _tests(name, subset, parts, usable, listed)
    return (part for part in parts if part.part != "test" or part.clip_id in kept)


def _tests(name: str, subset: Subset, parts: Parts, usable: Mapping[str, Row], listed: Annotations | None) -> set[str]:
    train = [usable[part.clip_id] for part in parts if part.part == "train"]
    test = [usable[part.clip_id] for part in parts if part.part == "test"]
    if "classes" in str(subset.tests):
        known = {label for row in train for label in row.labels}
        return {row.clip_id for row in test if known.issuperset(row.labels) == (subset.tests == "seen_classes")}
    columns = ("subject",) if "subjects" in str(subset.tests) else ("verb", "noun")
    odd = next((row for row in [*train, *test] for column in columns if getattr(row, column) is None), None)
    if odd is not None:
        raise InputError(
            f"the clip has no {' or no '.join(columns)}",
            row=odd.clip_id,
            key=f"subsets.{name}.tests",
            do="name another subset: this data set does not tell them",
        )
    if columns == ("subject",):
        published = listed.unseen if listed else None
        trained = {row.subject for row in train}
        unseen = {row.subject for row in test} - trained if published is None else set(published)
        wanted = subset.tests == "unseen_subjects"
        return {row.clip_id for row in test if (row.subject in unseen) == wanted}
    if subset.tests == "new_pairs":
        pairs = {(row.verb, row.noun) for row in train}
        verbs, nouns = {verb for verb, _ in pairs}, {noun for _, noun in pairs}
        return {
            row.clip_id for row in test if row.verb in verbs and row.noun in nouns and (row.verb, row.noun) not in pairs
        }
    rare_verbs = _rare([str(row.verb) for row in train], subset.tail, listed.tail_verbs if listed else None, name)
    rare_nouns = _rare([str(row.noun) for row in train], subset.tail, listed.tail_nouns if listed else None, name)
    verbs_of = {row.clip_id for row in test if row.verb in rare_verbs}
    nouns_of = {row.clip_id for row in test if row.noun in rare_nouns}
    kept = {
        "tail_verbs": verbs_of,
        "tail_nouns": nouns_of,
        "tail_any": verbs_of | nouns_of,
        "tail_both": verbs_of & nouns_of,
    }
    return kept[str(subset.tests)]


def _rare(classes: Sequence[str], share: float, published: Collection[str] | None, name: str) -> Collection[str]:
    """Return the published rare classes, else the smallest that together hold at most a share of the train part."""
    if published is not None:
        return published
    if not classes:
        raise InputError(
            "no train clips to count rare classes in, and the data set publishes none",
            key=f"subsets.{name}.tests",
            do="choose a protocol that has a train part",
        )
    rare, held = set(), 0
    for count, one in sorted((count, one) for one, count in Counter(classes).items()):
        held += count
        if held > share * len(classes):
            break
        rare.add(one)
    return rare


def _in(row: Row, subset: Subset) -> bool:
    return subset.kept != set(subset.classes).isdisjoint(row.labels)
