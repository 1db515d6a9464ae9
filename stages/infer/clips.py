"""Which clips are asked about, and which classes closed questions list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stages.base.errors import InputError
from stages.base.paths import Run
from stages.base.schema import SPLITS
from stages.base.tables import read_table
from stages.infer.strategies import Classes
from stages.labels.classes import ClassList


def wanted(
    run: Run, usable: Mapping[str, Sequence[str]], parts: Sequence[str], protocol: str | None = None
) -> list[str]:
    """Return the usable clips that are in one of `parts` of a protocol, sorted; all of them where parts are empty.

    Without a `protocol` it is the parts of any: what tests in one may train in another, so a model that learnt from a
    train part names the protocol whose part that was.

    Raises:
        InputError: no clip is in these parts, or a protocol is named and no parts.
    """
    if protocol is not None and not parts:
        raise InputError(
            f"a model that learnt from {protocol} would be asked about what it learnt from",
            key="parts",
            do="name parts: [test]",
        )
    if not parts:
        return sorted(usable)
    splits = read_table(run.splits, SPLITS)
    of_parts = splits.filter(splits["part"].is_in(parts))
    listed = of_parts if protocol is None else of_parts.filter(of_parts["protocol"] == protocol)
    chosen = sorted(set(listed["clip_id"]) & set(usable))
    if not chosen:
        where = f" of {protocol}" if protocol else ""
        raise InputError(
            f"no usable clip is in the parts {', '.join(parts)}{where}", file=run.splits, do="name other parts"
        )
    return chosen


def listed(usable: Mapping[str, Sequence[str]], classes: ClassList) -> Classes:
    """Return the classes that closed questions list, with their words.

    Args:
        usable: the labels of each usable clip.
        classes: of the data set.

    Raises:
        InputError: there are none, a clip of a single-label data set has several or none, or two classes are called
            by the same words.
    """
    words = classes.words
    if not words:
        raise InputError("no clip has a label", file="manifest", do="closed questions need classes: use a labelled set")
    if not classes.many:
        odd = next((clip_id for clip_id, labels in sorted(usable.items()) if len(labels) != 1), None)
        if odd is not None:
            raise InputError(
                f"{odd} has the labels {list(usable[odd])}", key="labels", do="say labels: multi in the block of ingest"
            )
    if len(set(words.values())) < len(words):
        twice = [name for name in words if list(words.values()).count(words[name]) > 1]
        raise InputError(f"{', '.join(twice)} read the same in words", do="tell them apart in stages/labels/words.py")
    return Classes(words, classes.many)
