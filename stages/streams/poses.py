"""The back end `blazepose`: people by BlazePose, each followed by the square that their last pose gives.

Who is followed is looked for where their last pose says; who is not, where the detector sees somebody else than those.
Of two who are taken for one, which shows by their masks, the surer one stays, and the other is lost until the detector
sees them again. Their colours say who that is, and who is who after people were near to each other. A pixel is whose it
is most surely. The camera need not be still.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from stages.base.errors import InputError
from stages.base.video.decode import Image
from stages.base.video.masks import box_of, resized
from stages.base.video.sample import shrunk
from stages.streams.background import Lab, lab
from stages.streams.blazepose import DETECTOR, FETCH, LANDMARKS, BlazePose, Floats, Pose, Square
from stages.streams.finder import Clip, Seen, often, seen
from stages.streams.params import BlazePoseParams
from stages.streams.people import KNOWN, alike, colours, exchanged, remembered

#: Raise it when the same clip and weights give other people.
VERSION = 1
#: Two masks of which the smaller is so much within the other are of one person.
_ONE = 0.7
#: Somebody whom the detector sees is known already where their hips are so near to a known person's, in squares.
_NEAR = 0.2
#: Somebody who is nearer to another than this, in squares, may be taken for them from then on.
_TOUCH = 0.25
#: Frames in which somebody who is missed is still looked for where they were.
_LOOKS = 5


@dataclass
class _Person:
    """Somebody who is followed: where they were last seen, how many frames ago, and their colours when alone.

    `doubt`: since then they were near to somebody for whom they may be taken.
    """

    number: int
    square: Square
    colours: Floats
    missed: int = 0
    doubt: bool = False


class _Found(NamedTuple):
    """Somebody in a frame."""

    person: _Person
    pose: Pose
    colours: Floats


class Poses:
    """Finds people by the two nets, which load with the first clip."""

    def __init__(self, params: BlazePoseParams) -> None:
        self.params = params

    def shapes(self, clip_id: str) -> dict[str, Any]:
        """Return the versions of this code and of what computes, and the hashes of the weights.

        Raises:
            InputError: weights or LiteRT are not there.
        """
        return self._shapes

    @cached_property
    def _shapes(self) -> dict[str, Any]:
        folder, hashes = Path(self.params.folder), []
        for name in (DETECTOR, LANDMARKS.format(self.params.landmarks)):
            try:
                hashes.append(hashlib.md5((folder / name).read_bytes(), usedforsecurity=False).hexdigest())
            except OSError as error:
                raise InputError(f"no weights: {error.strerror}", file=folder / name, do=FETCH) from None
        try:
            runs = version("ai-edge-litert")
        except PackageNotFoundError:
            runs = None  # loading says what to install
        return {"version": VERSION, "cv2": cv2.__version__, "litert": runs, "weights": hashes}

    def known(self, clip_id: str) -> tuple[int, int] | None:
        """Return None: nothing in a clip says who interacts."""
        return None

    def find(self, clip: Clip, views: Sequence[Image] = ()) -> list[Seen]:
        """Return the people of a clip, numbered as they are met.

        Raises:
            InputError: the clip cannot be decoded, or the nets do not load.
        """
        people: list[_Person] = []
        rows: list[Seen] = []
        frames = 0
        for frame, image in clip.images():
            frames += 1
            found = self._step(shrunk(image, self.params.side), people)
            whose = np.argmax([one.pose.share for one in found], axis=0) if found else None
            for place, one in enumerate(found):
                mask = (one.pose.share > 0.5) & (whose == place)
                row = seen(one.person.number, frame, resized(mask, clip.height, clip.width), one.pose.sure)
                if row is not None:
                    rows.append(row)
        times = Counter(row.track for row in rows)
        return [row for row in rows if times[row.track] >= often(frames)]

    @cached_property
    def _net(self) -> BlazePose:
        return BlazePose(Path(self.params.folder), self.params.landmarks)

    def _step(self, image: Image, people: list[_Person]) -> list[_Found]:
        """Return who is in the next frame; edits `people`."""
        colour = lab(image)
        looked = [(one, self._net.pose(image, one.square)) for one in people if one.missed < _LOOKS]
        found: list[_Found] = []
        for person, pose in sorted(looked, key=lambda one: -one[1].sure):
            if self._is_somebody(pose, found):
                found.append(_Found(person, pose, _colours(colour, pose)))
        for square in self._net.people(image, self.params.sees):
            if len(found) == self.params.people or any(_apart(square, one.pose.then) < _NEAR for one in found):
                continue
            pose = self._net.pose(image, square)
            if self._is_somebody(pose, found):
                found.append(self._again(pose, _colours(colour, pose), found, people))
        known = {one.person.number for one in found}
        for person in people:
            person.missed = 0 if person.number in known else person.missed + 1
        people += [one.person for one in found if one.person.number >= len(people)]
        return self._told_apart(found, people)

    def _is_somebody(self, pose: Pose, found: list[_Found]) -> bool:
        return pose.sure >= self.params.sure and not any(_same(pose, one.pose) for one in found)

    def _again(self, pose: Pose, seen_now: Floats, found: list[_Found], people: list[_Person]) -> _Found:
        """Return whom the detector sees: who was lost and is alike in colours, or somebody new.

        Who looks like somebody that was near to one who was lost is the latter, until both are alone and told apart.
        """
        known = {one.person.number for one in found}
        lost = [one for one in people if one.number not in known and one.missed <= self.params.memory]
        doubted = [one.person for one in found if one.person.doubt]
        if lost and max(alike(one.colours, seen_now) for one in [*lost, *doubted]) >= KNOWN:
            best = max(lost, key=lambda one: alike(one.colours, seen_now))
            best.doubt = True
            return _Found(best, pose, seen_now)
        number = max([len(people), *(1 + one.person.number for one in found)])
        return _Found(_Person(number, pose.then, seen_now), pose, seen_now)

    def _told_apart(self, found: list[_Found], people: list[_Person]) -> list[_Found]:
        """Return who is in a frame, where colours tell it of those who are alone again; edits what is known of them."""
        near = [one for one in people if 0 < one.missed <= self.params.memory]
        alone = [
            all(_apart(other.pose.then, one.pose.then) > _TOUCH for other in found if other is not one)
            and all(_apart(other.square, one.pose.then) > _TOUCH for other in near)
            for one in found
        ]
        asked = [place for place, one in enumerate(found) if alone[place] and one.person.doubt]
        if len(asked) > 1:
            columns = exchanged([found[k].person.colours for k in asked], [found[k].colours for k in asked])
            if columns is not None:
                owners = {asked[column]: found[place].person for place, column in zip(asked, columns, strict=True)}
                found = [one._replace(person=owners.get(place, one.person)) for place, one in enumerate(found)]
            for place in asked:
                found[place].person.doubt = False
        for one, by_itself in zip(found, alone, strict=True):
            one.person.square = one.pose.then
            if not by_itself:
                one.person.doubt = True
            elif not one.person.doubt:
                one.person.colours = remembered(one.person.colours, one.colours)
        return found


def _colours(image: Lab, pose: Pose) -> Floats:
    mask = pose.share > 0.5
    return colours(image, mask, box_of(mask) or (0, 0, 0, 0))


def _apart(one: Square, other: Square) -> float:
    """Return how far two squares' centres are from each other, in sides of the second."""
    return float(np.linalg.norm(one.centre - other.centre) / max(other.side, 1.0))


def _same(one: Pose, other: Pose) -> bool:
    """Whether two poses are of one person: the one's mask lies within the other's, or there is no mask."""
    first, second = one.share > 0.5, other.share > 0.5
    smaller = min(first.sum(), second.sum())
    return bool((first & second).sum() >= _ONE * smaller)
