"""What people do at home: for each activity the words that name it and the motion that shows it.

Activities of one motion differ only in the object. A `reverse` activity is its partner's motion played backwards,
exactly: nothing but the order of frames tells the two apart.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from numpy.random import Generator

from stages.simulate import motions
from stages.simulate.body import Body
from stages.simulate.camera import Array
from stages.simulate.scenes.home import Room
from stages.simulate.take import Take, settle

Motion = Callable[[Take], None]


class Activity(NamedTuple):
    """A class. `phrase` completes "a person is ...", `verb` and `object` are its parts.

    `where` are the places to choose from; a motion without any has its own.
    """

    phrase: str
    verb: str
    object: str | None
    motion: Motion
    where: tuple[str, ...]
    reverse: bool = False


STANDING, UPRIGHT = ("counter", "floor"), ("counter", "floor", "sofa")
ACTIVITIES: dict[str, Activity] = {
    "Cook_Cut": Activity("cutting vegetables on a board", "cutting", "knife", motions.cut, ("counter",)),
    "Cook_Stir": Activity("stirring a pot", "stirring", "ladle", motions.stir, ("counter",)),
    "Cutbread": Activity("cutting bread", "cutting", "bread", motions.cut, ("counter",)),
    "Drink_Frombottle": Activity("drinking from a bottle", "drinking", "bottle", motions.drink, UPRIGHT),
    "Drink_Fromcan": Activity("drinking from a can", "drinking", "can", motions.drink, UPRIGHT),
    "Drink_Fromcup": Activity("drinking from a cup", "drinking", "cup", motions.drink, UPRIGHT),
    "Drink_Fromglass": Activity("drinking from a glass", "drinking", "glass", motions.drink, UPRIGHT),
    "Eat_Attable": Activity("eating with a spoon at the counter", "eating", "spoon", motions.eat, ("stool",)),
    "Eat_Snack": Activity("eating a banana", "eating", "banana", motions.eat, UPRIGHT),
    "Enter": Activity("entering through the door", "entering", None, motions.pass_door, ()),
    "Getup": Activity("getting up from the sofa", "getting up", None, motions.sit_down, (), reverse=True),
    "Laydown": Activity("lying down on the sofa", "lying down", None, motions.lie_down, ()),
    "Leave": Activity("leaving through the door", "leaving", None, motions.pass_door, (), reverse=True),
    "Pour_Frombottle": Activity("pouring from a bottle into a cup", "pouring", "bottle", motions.pour, STANDING),
    "Pour_Fromcan": Activity("pouring from a can into a cup", "pouring", "can", motions.pour, STANDING),
    "Pour_Fromkettle": Activity("pouring from a kettle into a cup", "pouring", "kettle", motions.pour, STANDING),
    "Readbook": Activity("reading a book", "reading", "book", motions.read, ("sofa", "floor")),
    "Sitdown": Activity("sitting down on the sofa", "sitting down", None, motions.sit_down, ()),
    "Takepills": Activity("taking pills", "taking", "pills", motions.take_pills, UPRIGHT),
    "Uselaptop": Activity("using a laptop", "using", "laptop", motions.type_on, ("sofa",)),
    "Usetablet": Activity("using a tablet", "using", "tablet", motions.read, ("sofa", "floor")),
    "Usetelephone": Activity("talking on the telephone", "talking", "telephone", motions.telephone, UPRIGHT),
    "Walk": Activity("walking through the room", "walking", None, motions.walk, ()),
    "WatchTV": Activity("watching television with a remote control", "watching", "remote", motions.watch, ("sofa",)),
}


def perform(name: str, body: Body, room: Room, times: Array, rng: Generator) -> Take:
    """Return a performance of an activity at `times` (T,), seconds from the clip's start."""
    activity = ACTIVITIES[name]
    take = Take(body, times, rng, room, activity.object)
    if activity.where:
        settle(take, activity.where[int(rng.integers(len(activity.where)))])
    activity.motion(take)
    if activity.reverse:
        take.pose = take.pose.backwards()
    return take
