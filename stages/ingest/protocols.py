"""Protocols: pure functions from manifest rows alone to the part of each clip. A clip that a rule leaves out has none.

They see usable clips only, and none depends on the order of the rows. The first line of each docstring is the rule
that the audit quotes.
"""

from __future__ import annotations

import hashlib
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from stages.base.errors import InputError
from stages.ingest.manifest_rows import Row
from stages.ingest.params import Phase1, Random, Shares, Standard, Units

#: Toyota Smarthome (Das et al., ICCV 2019, section 5.1), and of these the ones that the official lists validate on.
CS_TRAIN = frozenset({3, 4, 6, 7, 9, 12, 13, 15, 17, 19, 25})
CS_VALIDATION = frozenset({19, 25})
CV_TEST, CV_VALIDATION = 2, 5
CV1_TRAIN = frozenset({1})
CV2_TRAIN = frozenset({1, 3, 4, 6, 7})


class Part(NamedTuple):
    """A row of table SPLITS, less its protocol."""

    fold: str
    clip_id: str
    part: str


def cs(rows: Sequence[Row], options: Standard) -> Iterator[Part]:
    """Cross-subject: subjects 3 4 6 7 9 12 13 15 17 19 25 train (where asked, 19 and 25 validate), others test."""
    for row in rows:
        subject = _number(row, "subject")
        if subject not in CS_TRAIN:
            part = "test"
        else:
            part = "validation" if options.validation and subject in CS_VALIDATION else "train"
        yield Part("", row.clip_id, part)


def cv1(rows: Sequence[Row], options: Standard) -> Iterator[Part]:
    """Cross-view 1: camera 1 trains, 5 validates, 2 tests, on the classes that cameras 1 and 2 both see."""
    return _cross_view(rows, options, CV1_TRAIN)


def cv2(rows: Sequence[Row], options: Standard) -> Iterator[Part]:
    """Cross-view 2: cameras 1 3 4 6 7 train, 5 validates, 2 tests, on the classes that cameras 1 and 2 both see."""
    return _cross_view(rows, options, CV2_TRAIN)


def _cross_view(rows: Sequence[Row], options: Standard, train: frozenset[int]) -> Iterator[Part]:
    seen: dict[int, set[tuple[str, ...]]] = defaultdict(set)
    for row in rows:
        seen[_number(row, "camera")].add(row.labels)
    both = seen[1] & seen[CV_TEST]
    parts = {**dict.fromkeys(train, "train"), CV_TEST: "test"}
    if options.validation:
        parts[CV_VALIDATION] = "validation"
    for row in rows:
        part = parts.get(_number(row, "camera"))
        if part and row.labels in both:
            yield Part("", row.clip_id, part)


def phase1(rows: Sequence[Row], options: Phase1) -> Iterator[Part]:
    """Phase 1: the same number of clips of each class, drawn from the whole set, test; no side is kept apart.

    The clips whose seeded hash is smallest: the draw of a class depends on no other class, and a grown data set
    changes it by as few clips as can be. A class with fewer clips gives all it has.
    """
    by_label = defaultdict(list)
    for row in rows:
        by_label[row.labels].append(row.clip_id)
    for clips in by_label.values():
        drawn = set(sorted(clips, key=lambda clip_id: (_hash(options.seed, clip_id), clip_id))[: options.clips])
        for clip_id in clips:
            if clip_id in drawn:
                yield Part("", clip_id, "test")
            elif options.rest == "train":
                yield Part("", clip_id, "train")


def leave_one_subject_out(rows: Sequence[Row], options: Standard) -> Iterator[Part]:
    """Leave one subject out: a fold tests a subject, the next in order validates, the others train."""
    return _leave_one_out(rows, options, "subject")


def leave_one_group_out(rows: Sequence[Row], options: Standard) -> Iterator[Part]:
    """Leave one group out: a fold tests a recording or sequence, the next in order validates, the others train."""
    return _leave_one_out(rows, options, "group")


def _leave_one_out(rows: Sequence[Row], options: Standard, unit: str) -> Iterator[Part]:
    units = sorted({_known(row, unit) for row in rows}, key=lambda name: (len(name), name))
    if len(units) < 2 + options.validation:
        raise InputError(
            f"{len(units)} {unit}s are too few to leave one out{' and validate on another' * options.validation}",
            key=f"leave_one_{unit}_out",
            do="choose another protocol, such as random",
        )
    for held, following in zip(units, [*units[1:], units[0]], strict=True):
        parts = {following: "validation"} if options.validation else {}
        parts[held] = "test"
        for row in rows:
            yield Part(held, row.clip_id, parts.get(getattr(row, unit), "train"))


def unseen_recordings(rows: Sequence[Row], options: Shares) -> Iterator[Part]:
    """Unseen recordings: the clips of a recording stay together; which ones test and validate is drawn."""
    return _drawn(rows, options, "group")


def unseen_subjects(rows: Sequence[Row], options: Shares) -> Iterator[Part]:
    """Unseen subjects: the clips of a subject stay together; which ones test and validate is drawn."""
    return _drawn(rows, options, "subject")


def _drawn(rows: Sequence[Row], options: Shares, unit: str) -> Iterator[Part]:
    # By a seeded hash: a grown data set changes as few of those drawn before as can be.
    units = sorted({_known(row, unit) for row in rows}, key=lambda name: (_hash(options.seed, name), name))
    test = max(1, round(options.test * len(units)))
    validation = max(1, round(options.validation * len(units))) if options.validation else 0
    if test + validation >= len(units):
        raise InputError(
            f"{len(units)} {unit}s are too few for {test} that test and {validation} that validate",
            key="protocols",
            do="lower the shares, or choose another protocol",
        )
    parts = dict.fromkeys(units[:test], "test") | dict.fromkeys(units[test : test + validation], "validation")
    for row in rows:
        yield Part("", row.clip_id, parts.get(getattr(row, unit), "train"))


def listed_subjects(rows: Sequence[Row], options: Units) -> Iterator[Part]:
    """Listed subjects: the subjects that the data set's authors name train (some of them validate), others test."""
    return _by_list(rows, options, "subject")


def listed_cameras(rows: Sequence[Row], options: Units) -> Iterator[Part]:
    """Listed cameras: the cameras that the data set's authors name train (some of them validate), others test."""
    return _by_list(rows, options, "camera")


def _by_list(rows: Sequence[Row], options: Units, unit: str) -> Iterator[Part]:
    train, validation = ({name.lstrip("0") for name in names} for names in (options.train, options.validation))
    if not train & {_known(row, unit).lstrip("0") for row in rows}:
        raise InputError(f"no clip is of a {unit} that trains", key=f"listed_{unit}s.train", do="correct the list")
    for row in rows:
        name = _known(row, unit).lstrip("0")
        part = "validation" if name in validation else "train" if name in train else "test"
        yield Part("", row.clip_id, part)


def random(rows: Sequence[Row], options: Random) -> Iterator[Part]:
    """Random: stratified by class; the clips of a subject, else of a group, else with the same bytes stay together."""
    from sklearn.model_selection import StratifiedGroupKFold  # a second, which other protocols need not pay

    ordered = sorted(rows)
    together = [row.subject or row.group or row.md5 or row.clip_id for row in ordered]
    if len(set(together)) < options.folds:
        raise InputError(
            f"{len(set(together))} subjects, groups or clips are too few for {options.folds} folds",
            key="random",
            do="choose fewer folds",
        )
    labels = ["+".join(row.labels) for row in ordered]
    if max(np.unique(labels, return_counts=True)[1]) < options.folds:
        raise InputError(
            f"no class has the {options.folds} clips that as many folds need", key="random", do="choose fewer folds"
        )
    folder = StratifiedGroupKFold(options.folds, shuffle=True, random_state=options.seed)
    with warnings.catch_warnings():
        # A class with fewer clips than folds: the audit names it, with the part that it lacks.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        folds = list(folder.split(labels, labels, together))
    for number, (_, held) in enumerate(folds):
        part = "test" if number == 0 else "validation" if number == 1 and options.validation else "train"
        for index in held:
            yield Part("", ordered[index].clip_id, part)


def given(rows: Sequence[Row], options: Standard) -> Iterator[Part]:
    """The parts that the data set's own lists give; its validation part tests where test labels are not public."""
    if any(row.part is None for row in rows):
        raise InputError("this adapter's names tell no part", key="given", do="choose another protocol")
    for row in rows:
        yield Part("", row.clip_id, str(row.part))


class Protocol(NamedTuple):
    """A protocol's function, and which columns it promises to keep on one side."""

    split: Callable[[Sequence[Row], Any], Iterator[Part]]
    apart: tuple[str, ...]

    @property
    def rule(self) -> str:
        """The rule in one line."""
        return (self.split.__doc__ or "").partition("\n")[0]


PROTOCOLS = {
    "cs": Protocol(cs, ("subject", "group")),
    "cv1": Protocol(cv1, ("camera",)),
    "cv2": Protocol(cv2, ("camera",)),
    "phase1": Protocol(phase1, ()),
    "leave_one_subject_out": Protocol(leave_one_subject_out, ("subject", "group")),
    "leave_one_group_out": Protocol(leave_one_group_out, ("group",)),
    "unseen_recordings": Protocol(unseen_recordings, ("group",)),
    "unseen_subjects": Protocol(unseen_subjects, ("subject", "group")),
    "listed_subjects": Protocol(listed_subjects, ("subject", "group")),
    "listed_cameras": Protocol(listed_cameras, ("camera",)),
    "given": Protocol(given, ()),
    "random": Protocol(random, ("subject", "group")),
}


def _hash(seed: int, clip_id: str) -> str:
    return hashlib.blake2b(f"{seed} {clip_id}".encode(), digest_size=8).hexdigest()


def _known(row: Row, column: str) -> str:
    value: str | None = getattr(row, column)
    if value is None:
        raise InputError(f"the names tell no {column}", row=row.clip_id, do="choose a protocol that needs none: random")
    return value


def _number(row: Row, column: str) -> int:
    value = _known(row, column)
    if not value.isdecimal():
        raise InputError(
            f"{column} {value!r} is no number",
            row=row.clip_id,
            do="cs, cv1 and cv2 are Smarthome's; choose leave_one_subject_out or random",
        )
    return int(value)
