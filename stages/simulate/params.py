"""What `simulate` renders: one block a scene."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from stages.base.params import Declared, Params
from stages.simulate.activities import ACTIVITIES

Side = Annotated[int, Field(ge=32, multiple_of=2)]


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
    seconds: tuple[Annotated[float, Field(ge=1)], Annotated[float, Field(le=60)]]
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

    @field_validator("seconds")
    @classmethod
    def _ordered(cls, span: tuple[float, float]) -> tuple[float, float]:
        if span[0] > span[1]:
            raise ValueError("the shortest comes first")
        return span

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
    seconds: tuple[Annotated[float, Field(ge=15)], Annotated[float, Field(le=600)]]
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

    @field_validator("seconds")
    @classmethod
    def _ordered(cls, span: tuple[float, float]) -> tuple[float, float]:
        if span[0] > span[1]:
            raise ValueError("the shortest comes first")
        return span


PARAMS: Declared = {"simulate.{scene}": Annotated[Scene | Table, Field(discriminator="style")]}
