"""People followed from frame to frame: motion and colours, and who is who after they crossed or came back."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from stages.base.video.masks import Mask, box_of
from stages.streams.apart import taken_apart
from stages.streams.background import Lab
from stages.streams.joined import Found
from stages.streams.params import OpenCVParams
from stages.streams.people import KNOWN, SWAP, Blob, Person, alike, blobs, bounds, colours, exchanged, is_near, stacked

#: Share of the smaller of two masks that is common, from which a blob is where a person should be.
_CLAIMS = 0.25
#: Of a person's usual size; who shows less is hidden.
_HIDDEN = 0.15
#: A person is at least this share of the frame's height, as much of them as is in it.
_TALL = 0.15


class Follower:
    """Goes through frames in one direction of time."""

    def __init__(self, params: OpenCVParams, size: int) -> None:
        self.params, self.least = params, params.least * size
        self.people: list[Person] = []
        self._touching: set[int] = set()
        self._next = 0

    def continue_numbers(self, other: Follower) -> None:
        """Give new people numbers that another follower has not given."""
        self._next = max(self._next, other._next)

    def step(self, image: Lab, mask: Mask) -> list[Found]:
        """Return the people in the next frame (H, W, 3), of which `mask` differs from the background."""
        parts = blobs(mask, self.least / 4)
        claims = self._claims(parts)
        found: list[Found] = []
        free: list[Blob] = [part for part, people in zip(parts, claims, strict=True) if not people]
        own: dict[int, list[Blob]] = {}
        for part, people in zip(parts, claims, strict=True):
            if len(people) == 1:
                own.setdefault(people[0].number, []).append(part)
        for part, people in zip(parts, claims, strict=True):
            if len(people) > 1:
                self._move_on(part, people, free, own, image)
            if len(people) > 1:
                found += self._together(part, people, image, own, free)
        for person in list(self.people):
            if person.number in own:
                found.append(self._alone(person, own[person.number], free, image))
        self._swap_back(found, image)
        found += self._again(free, image, {one.number for one in found})
        found += self._new(free, image, found)
        seen = {one.number for one in found}
        self._touching = {one.number for one in found if not one.alone} | {
            person.number for person in self.people if person.number in self._touching - seen
        }
        for person in self.people:
            person.missed += person.number not in seen
        return found

    def _claims(self, parts: list[Blob]) -> list[list[Person]]:
        """Return who should be where each part is."""
        claims: list[list[Person]] = [[] for _ in parts]
        for person in self.people:
            if person.missed > 5 and person.number not in self._touching:
                continue
            expected = person.expected()
            size = max(1, int(expected.sum()))
            common = [int((expected & part.mask).sum()) for part in parts]
            for place, part in enumerate(parts):
                if common[place] >= _CLAIMS * min(size, part.area):
                    claims[place].append(person)
        return claims

    def _move_on(
        self, part: Blob, people: list[Person], free: list[Blob], own: dict[int, list[Blob]], image: Lab
    ) -> None:
        """Where a part is of one person's size, let another one go to the part that has their colours; edits all."""
        if part.area > 1.3 * max(person.area for person in people):
            return
        gone = [one for one in people if sum(more.area for more in own.get(one.number, [])) > 0.5 * one.area]
        if 0 < len(gone) < len(people):
            people[:] = [one for one in people if all(one is not left for left in gone)]
        large = [one for one in free if self._is_person(one)]
        if large and len(people) > 1:
            self._leave(part, people, free, large, own, image)
        if len(people) == 1:
            own.setdefault(people[0].number, []).append(part)

    def _leave(
        self,
        part: Blob,
        people: list[Person],
        free: list[Blob],
        large: list[Blob],
        own: dict[int, list[Blob]],
        image: Lab,
    ) -> None:
        """Let the one of `people` go whose colours speak most for one of the `large` parts and against this one."""
        here = [alike(person.colours, colours(image, part.mask, part.box)) for person in people]
        there = [[alike(person.colours, colours(image, one.mask, one.box)) for one in large] for person in people]
        # One that was just a part of this one needs no colours to be somebody of it.
        gain = np.array(there) - np.array(here)[:, None] + SWAP * np.array([is_near(one, part) for one in large])
        row, column = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if gain[row, column] > SWAP / 2:
            own.setdefault(people.pop(row).number, []).append(large[column])
            free[:] = [one for one in free if one is not large[column]]

    def _together(
        self, part: Blob, people: list[Person], image: Lab, own: dict[int, list[Blob]], free: list[Blob]
    ) -> list[Found]:
        """Take apart who is in one part; what else is theirs and near it stays theirs."""
        found = []
        for person, mask in zip(people, taken_apart(part.mask, people, image), strict=True):
            for more in own.pop(person.number, []):
                if is_near(more, part):
                    mask = mask | more.mask
                else:
                    free.append(more)
            box = box_of(mask)
            if box and mask.sum() >= _HIDDEN * person.area:
                person.see(mask, box, None)
                found.append(Found(person.number, mask, False))
            else:
                person.mask = person.expected()
        return found

    def _alone(self, person: Person, parts: list[Blob], free: list[Blob], image: Lab) -> Found:
        """Give a person the part that is most theirs, and what is near it; another one may be somebody else."""
        best = max(parts, key=lambda part: (int((part.mask & person.mask).sum()), -part.box[0]))
        mask = best.mask
        for part in parts:
            if part is best:
                continue
            if is_near(part, best):
                mask = mask | part.mask
            else:
                free.append(part)
        box = box_of(mask)
        assert box is not None
        person.see(mask, box, None if person.number in self._touching else image)
        return Found(person.number, mask, True)

    def _swap_back(self, found: list[Found], image: Lab) -> None:
        """Where two who touched are apart again, let their colours say who is who."""
        apart = [one for one in found if one.alone and one.number in self._touching]
        if len(apart) < 2:
            return
        people = [self._person(one.number) for one in apart]
        now = [colours(image, person.mask, person.box) for person in people]
        columns = exchanged([person.colours for person in people], now)
        if columns is None:
            return
        places = [(people[column].mask, people[column].box, people[column].speed) for column in columns]
        for person, (mask, box, speed) in zip(people, places, strict=True):
            person.mask, person.box, person.speed = mask, box, speed
            place = next(k for k, one in enumerate(found) if one.number == person.number and one.alone)
            found[place] = Found(person.number, mask, True)

    def _again(self, free: list[Blob], image: Lab, seen: set[int]) -> list[Found]:
        """Give parts that are nobody's to those who left, where colours say so; take them out of `free`."""
        lost = [one for one in self.people if one.number not in seen and one.missed <= self.params.memory]
        large = [part for part in free if self._is_person(part)]
        if not lost or not large:
            return []
        table = np.array([[alike(person.colours, colours(image, *part[:2])) for part in large] for person in lost])
        found = []
        for row, column in zip(*linear_sum_assignment(-table), strict=True):
            if table[row, column] >= KNOWN:
                person, part = lost[row], large[column]
                person.speed[:] = 0
                person.see(part.mask, part.box, image)
                person.speed[:] = 0
                free[:] = [one for one in free if one is not part]
                found.append(Found(person.number, part.mask, True))
        return found

    def _new(self, free: list[Blob], image: Lab, found: list[Found]) -> list[Found]:
        """Follow what is nobody's and as large as a person from here on; what is half of somebody is theirs."""
        new = []
        for part in free:
            if self._is_half(part, found) or not self._is_person(part):
                continue
            look = colours(image, part.mask, part.box)
            tall = part.box[3] - part.box[1]
            person = Person(self._next, part.mask, part.box, look, float(part.area), np.zeros(2), tall=tall)
            self._next += 1
            self.people.append(person)
            new.append(Found(person.number, part.mask, True))
        return new

    def _is_half(self, part: Blob, found: list[Found]) -> bool:
        """Add a part to somebody right above or below it who lacks as much of their height; tell whether it was."""
        for place, one in enumerate(found):
            person, whole = self._person(one.number), one.mask | part.mask
            box = bounds(whole)
            if box[3] - box[1] <= 1.1 * person.tall and stacked(bounds(one.mask), part.box, len(whole) / 20):
                person.mask, person.box = whole, box
                found[place] = Found(one.number, whole, one.alone)
                return True
        return False

    def _is_person(self, part: Blob) -> bool:
        return part.area >= self.least and part.box[3] - part.box[1] >= _TALL * len(part.mask)

    def _person(self, number: int) -> Person:
        return next(one for one in self.people if one.number == number)
