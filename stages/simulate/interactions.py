"""What two people do: for each interaction its motion and its classes.

A directed interaction is two classes that differ only in who acts on whom by side; the left one is the person who is
further left when both are first seen. A `back` class is its partner's motion played backwards, exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from stages.simulate import dealings
from stages.simulate.duo import Duo

Motion = Callable[[Duo], None]
#: What can be handed over.
THINGS = ("book", "bottle", "bread", "kettle", "laptop")


class Interaction(NamedTuple):
    """A motion, and who acts: `acts` is false where both do the same."""

    motion: Motion
    acts: bool = True


class Shown(NamedTuple):
    """A class as it is rendered: which interaction, who acts (0 left, 1 right, null: either), and whether backwards."""

    interaction: str
    who: int | None = None
    back: bool = False


INTERACTIONS: dict[str, Interaction] = {
    "back away": Interaction(dealings.walk_up, acts=False),
    "bow": Interaction(dealings.bow, acts=False),
    "hand over": Interaction(dealings.hand_over),
    "high five": Interaction(dealings.high_five, acts=False),
    "hug": Interaction(dealings.hug, acts=False),
    "kick": Interaction(dealings.kick),
    "lift": Interaction(dealings.lift),
    "pat on the back": Interaction(dealings.pat_on_the_back),
    "point": Interaction(dealings.point_at),
    "punch": Interaction(dealings.punch),
    "push": Interaction(dealings.push),
    "shake hands": Interaction(dealings.shake_hands, acts=False),
    "taunt": Interaction(dealings.taunt),
    "walk together": Interaction(dealings.walk_together, acts=False),
    "walk up": Interaction(dealings.walk_up, acts=False),
    "whisper": Interaction(dealings.whisper),
}
#: Each class. What the right one hands over is what the left one hands over, played backwards.
CLASSES: dict[str, Shown] = {
    "left hands over to right": Shown("hand over", 0),
    "right hands over to left": Shown("hand over", 0, back=True),
    "left kicks right": Shown("kick", 0),
    "right kicks left": Shown("kick", 1),
    "left pushes right": Shown("push", 0),
    "right pushes left": Shown("push", 1),
    "back away": Shown("back away", back=True),
} | {name: Shown(name) for name in sorted(INTERACTIONS) if name not in {"hand over", "kick", "push", "back away"}}
#: The class of the same clip seen in a mirror, where it is another one.
SWAPPED = {
    f"{one} {does} {other}": f"{other} {does} {one}"
    for does in ("hands over to", "kicks", "pushes")
    for one, other in (("left", "right"), ("right", "left"))
}


def perform(label: str, duo: Duo) -> None:
    """Set both bodies of a duo as a class shows them; who acts is set already."""
    shown = CLASSES[label]
    INTERACTIONS[shown.interaction].motion(duo)
    if shown.back:
        for one in duo.both:
            one.pose = one.pose.backwards()


def actor(label: str, who: int) -> int | None:
    """Return who acts in the clip as it is seen (0 left, 1 right), null where both do; `who` is whom the motion has."""
    shown = CLASSES[label]
    if not INTERACTIONS[shown.interaction].acts:
        return None
    return 1 - who if shown.back else who
