"""What `simulate` renders: one block a scene."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from stages.base.params import Declared, Params
from stages.simulate.activities import ACTIVITIES
from stages.simulate.cooking import NOUNS, VERBS
from stages.simulate.interactions import CLASSES, SWAPPED
from stages.simulate.scenes.hall import CAMERAS

Side = Annotated[int, Field(ge=32, multiple_of=2)]
Weight = Annotated[float, Field(gt=0)]


def ordered(span: tuple[float, float]) -> tuple[float, float]:
    """Return a span whose ends are in order.

    Raises:
        ValueError: they are not.
    """
    if span[0] > span[1]:
        raise ValueError("the shortest comes first")
    return span


class Scene(Params):
    """A scene of people at home: its clips, people, cameras and looks."""

    seed: int
    """Every clip draws from seed and its own number: clip k is the same whatever the number of clips."""
    clips: Annotated[int, Field(ge=1)]
    """How many; activities, subjects and cameras take turns, so that any number is balanced."""
    fps: Annotated[float, Field(gt=1, le=60)]
    """Frames a second."""
    size: tuple[Side, Side]
    """Width and height, pixels; even, as H.264 wants it."""
    seconds: Annotated[tuple[Annotated[float, Field(ge=1)], Annotated[float, Field(le=60)]], AfterValidator(ordered)]
    """Shortest and longest clip."""
    subjects: Annotated[list[int], Field(min_length=1)]
    """Subject numbers; a number is a person with its build, dress and tempo."""
    cameras: Annotated[list[int], Field(min_length=1)]
    """Camera numbers; 1 to 7 of style `home` stand where a table says, others are drawn."""
    rooms: Annotated[int, Field(ge=1)]
    """How many rooms, each with its colours and furniture's places."""
    activities: Annotated[list[str], Field(min_length=1)]
    """Classes, by Smarthome's names."""
    style: Literal["home", "pretrain"]
    """The pool from which people, rooms and cameras are drawn; scenes of two styles share none."""

    @field_validator("activities")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        unknown = sorted(set(names) - set(ACTIVITIES))
        if unknown or len(set(names)) < len(names):
            raise ValueError(f"each once, out of {', '.join(sorted(ACTIVITIES))}; not {', '.join(unknown) or 'twice'}")
        return names


class Table(Params):
    """The resuscitation table: long recordings with annotations by time, several labels at once or none."""

    style: Literal["resuscitation"]
    """A camera above a table, a newborn mannequin, hands, mask with bag, suction."""
    seed: int
    """Every recording draws from seed and its own number: recording k is the same whatever the number of recordings."""
    recordings: Annotated[int, Field(ge=1, le=999)]
    """How many; workers, mannequins and tables take turns."""
    fps: Annotated[float, Field(gt=1, le=60)]
    """Frames a second."""
    size: tuple[Side, Side]
    """Width and height, pixels; even, as H.264 wants it."""
    seconds: Annotated[tuple[Annotated[float, Field(ge=15)], Annotated[float, Field(le=600)]], AfterValidator(ordered)]
    """Shortest and longest recording."""
    subjects: Annotated[list[int], Field(min_length=1)]
    """Numbers of the health workers; a number is a person with its sleeves, hands and tempo."""
    helped: Annotated[float, Field(ge=0, le=1)]
    """Share of recordings with a second health worker."""
    newborns: Annotated[int, Field(ge=1)]
    """How many mannequins."""
    tables: Annotated[int, Field(ge=1)]
    """How many tables, each with its camera, colours and tools' colours."""
    first: Annotated[int, Field(ge=0)] = 0
    """Number of the first mannequin and of the first table; scenes whose numbers do not overlap share none."""


class Parts(Params):
    """How many of so many clips are for what."""

    train: Annotated[int, Field(ge=1)]
    """Of the participants who train, of all pairs but the new ones."""
    seen: Annotated[int, Field(ge=0)]
    """To test: the same participants and pairs."""
    unseen: Annotated[int, Field(ge=0)]
    """To test: participants who do not train, all pairs."""
    new_pairs: Annotated[int, Field(ge=0)]
    """To test: pairs of a verb and a noun that train, but never together."""


class Kitchen(Params):
    """The kitchen from the first person: two hands, a verb and a noun a clip, lists as EPIC-KITCHENS-100 has them."""

    style: Literal["kitchen"]
    """The cook's view of a counter."""
    seed: int
    """Every clip draws from seed and its own number: clip k is the same whatever the number of clips."""
    clips: Annotated[int, Field(ge=1, le=900)]
    """How many; participants take turns, pairs come as often as their weights say."""
    fps: Annotated[float, Field(gt=1, le=60)]
    """Frames a second."""
    size: tuple[Side, Side]
    """Width and height, pixels; even, as H.264 wants it."""
    seconds: Annotated[tuple[Annotated[float, Field(ge=1)], Annotated[float, Field(le=60)]], AfterValidator(ordered)]
    """Shortest and longest clip."""
    subjects: Annotated[list[Annotated[int, Field(ge=1, le=99)]], Field(min_length=1)]
    """Participants who train and are tested; a number is a cook with arms, tempo, preferred hand and kitchen."""
    unseen: list[Annotated[int, Field(ge=1, le=99)]]
    """Participants who are tested only."""
    parts: Parts
    """Shares of the clips."""
    verbs: dict[str, Weight]
    """Verb classes in their order, and how often each comes, against each other."""
    nouns: dict[str, Weight]
    """Noun classes in their order, and how often each comes among those that a verb is done to."""
    new_pairs: list[tuple[str, str]]
    """Verb and noun of pairs that are never trained; each verb and each noun trains in others."""

    @field_validator("verbs", "nouns")
    @classmethod
    def _known(cls, weights: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        known = VERBS if info.field_name == "verbs" else NOUNS
        if not weights or set(weights) - set(known):
            raise ValueError(f"some of {', '.join(sorted(known))}; not {', '.join(sorted(set(weights) - set(known)))}")
        return weights

    @model_validator(mode="after")
    def _possible(self) -> Kitchen:
        if set(self.subjects) & set(self.unseen) or (self.parts.unseen and not self.unseen):
            raise ValueError("unseen: participants who are not among the subjects, where some clips are of such")
        pairs, new = self.pairs(), set(self.new_pairs)
        if len(new) < len(self.new_pairs) or new - set(pairs):
            raise ValueError(f"new_pairs: each once, out of {', '.join(' '.join(pair) for pair in pairs)}")
        if self.parts.new_pairs and not new:
            raise ValueError("new_pairs: name some, or give them no part")
        trained = set(pairs) - new
        for at, names in enumerate((self.verbs, self.nouns)):
            if untrained := sorted(set(names) - {pair[at] for pair in trained}):
                raise ValueError(f"no pair that trains has {', '.join(untrained)}")
        return self

    def pairs(self) -> dict[tuple[str, str], float]:
        """Return every pair of a verb and a noun that it is done to, with its share of all clips."""
        share: dict[tuple[str, str], float] = {}
        for verb, weight in self.verbs.items():
            nouns = {noun: self.nouns[noun] for noun in VERBS[verb].nouns if noun in self.nouns}
            share |= {(verb, noun): weight * often / sum(nouns.values()) for noun, often in nouns.items()}
        return share


People = list[Annotated[int, Field(ge=1, le=99)]]


class Shares(Params):
    """How many of so many clips are for what."""

    train: Annotated[int, Field(ge=1)]
    """Of the people who train, of all classes but the unseen ones."""
    validation: Annotated[int, Field(ge=0)]
    """Of the people who validate, of the classes that train."""
    seen: Annotated[int, Field(ge=0)]
    """To test: people who do neither, classes that train."""
    unseen: Annotated[int, Field(ge=0)]
    """To test: the same people, classes that do not train."""


class Pairs(Params):
    """Two people who do something with each other, and others who pass: who does what to whom."""

    style: Literal["pairs"]
    """A hall, seen from the side."""
    seed: int
    """Every clip draws from seed and its own number: clip k is the same whatever the number of clips."""
    clips: Annotated[int, Field(ge=1, le=9999)]
    """How many; within a part classes, pairs of people, cameras and rooms take turns."""
    fps: Annotated[float, Field(gt=1, le=60)]
    """Frames a second."""
    size: tuple[Side, Side]
    """Width and height, pixels; even, as H.264 wants it."""
    seconds: Annotated[tuple[Annotated[float, Field(ge=1.8)], Annotated[float, Field(le=60)]], AfterValidator(ordered)]
    """Shortest and longest clip; an interaction needs 1.8 seconds."""
    train: Annotated[People, Field(min_length=2)]
    """People who train, each with each other in turn; a number is a person with its build, dress and tempo."""
    validation: People
    """People who validate: the first with the second, the third with the fourth, and so on."""
    test: People
    """People who test, in such pairs too: no two pairs share a person, so that statistics may cluster by pair."""
    cameras: Annotated[list[int], Field(min_length=1)]
    """Camera numbers, out of those of the hall."""
    rooms: Annotated[int, Field(ge=1)]
    """How many rooms, each with its colours and furniture's places."""
    parts: Shares
    """Shares of the clips."""
    passed: Annotated[float, Field(ge=0, le=1)]
    """Share of the clips in which 1 to 3 others of the same part walk through or stop."""
    cut: Annotated[float, Field(ge=0, le=1)]
    """Share of the clips in which the two stand at the frame's edge, which cuts them."""
    classes: Annotated[list[str], Field(min_length=1)]
    """Classes that train and test."""
    unseen: list[str]
    """Classes that only test; no interaction is in both lists."""

    @model_validator(mode="after")
    def _possible(self) -> Pairs:
        named = [*self.classes, *self.unseen]
        unknown = sorted(set(named) - set(CLASSES))
        if unknown or len(set(named)) < len(named):
            raise ValueError(f"classes: each once, out of {', '.join(CLASSES)}; not {', '.join(unknown) or 'twice'}")
        if alone := sorted(name for name in named if name in SWAPPED and SWAPPED[name] not in named):
            raise ValueError(f"classes: sides are told apart, so name {', '.join(SWAPPED[name] for name in alone)} too")
        of = {name: CLASSES[name].interaction for name in named}
        if both := {of[name] for name in self.classes} & {of[name] for name in self.unseen}:
            raise ValueError(f"unseen: {', '.join(sorted(both))} trains, by another class")
        if self.parts.unseen and not self.unseen:
            raise ValueError("unseen: name classes, or give them no part")
        people = [*self.train, *self.validation, *self.test]
        if len(set(people)) < len(people):
            raise ValueError("train, validation, test: nobody is in two of them, or twice in one")
        wants = {"validation": self.parts.validation, "test": self.parts.seen + self.parts.unseen}
        for part, clips in wants.items():
            there = len(getattr(self, part))
            if there % 2 or (clips and not there):
                raise ValueError(f"{part}: an even number of people, who make pairs; at least 2 if clips are for it")
        if strange := sorted(set(self.cameras) - set(CAMERAS)):
            raise ValueError(f"cameras: out of {', '.join(map(str, CAMERAS))}; not {', '.join(map(str, strange))}")
        return self


PARAMS: Declared = {"simulate.{scene}": Annotated[Scene | Table | Kitchen | Pairs, Field(discriminator="style")]}
