"""What somebody says who sees two people: a sentence that names who does what to whom, in several wordings.

Where one acts, {a} is who does and {b} to whom; where both do the same, {we} are the two. A verb stands in the third
person, so that a wording needs no grammar.
"""

from __future__ import annotations

from numpy.random import Generator

WORDINGS: dict[str, tuple[str, ...]] = {
    "back away": (
        "{we} step back from each other",
        "{we} back away from each other face to face",
        "{we} stand face to face and walk backwards",
    ),
    "bow": (
        "{we} bow to each other",
        "{we} bend forward and greet each other with a bow",
        "{we} stand face to face and bow down",
    ),
    "hand over": (
        "{a} hands {thing} over to {b}",
        "{a} gives {thing} to {b}",
        "{a} passes {thing} to {b}, who takes it with both hands",
    ),
    "high five": (
        "{we} give each other a high five",
        "{we} raise a hand and clap it against the other's",
        "{we} clap hands above their heads",
    ),
    "hug": (
        "{we} hug each other",
        "{we} put their arms around each other",
        "{we} come close and embrace",
    ),
    "kick": (
        "{a} kicks {b}",
        "{a} lifts a leg and kicks {b} in the belly",
        "{a} kicks {b}, who bends forward",
    ),
    "lift": (
        "{a} lifts {b} off the floor",
        "{a} takes {b} around the waist and lifts them up",
        "{a} puts both arms around {b} and raises them",
    ),
    "pat on the back": (
        "{a} pats {b} on the back",
        "{a} stands behind {b} and pats their back with one hand",
        "{a} taps {b} on the back",
    ),
    "point": (
        "{a} points at {b}",
        "{a} stretches an arm and points a finger at {b}",
        "{a} points with one hand at the face of {b}",
    ),
    "punch": (
        "{a} punches {b}",
        "{a} raises both fists and punches {b} in the face",
        "{a} strikes {b} with the fist",
    ),
    "push": (
        "{a} pushes {b}",
        "{a} pushes {b} with both hands",
        "{a} shoves {b}, who steps back",
    ),
    "shake hands": (
        "{we} shake hands",
        "{we} give each other a hand and shake it",
        "{we} greet each other and shake hands",
    ),
    "taunt": (
        "{a} taunts {b}",
        "{a} beckons {b} with both arms to come and fight",
        "{a} spreads the arms and provokes {b}",
    ),
    "walk together": (
        "{we} walk together",
        "{we} walk side by side",
        "{we} walk next to each other in one direction",
    ),
    "walk up": (
        "{we} walk up to each other",
        "{we} come closer to each other and stand face to face",
        "{we} walk towards each other",
    ),
    "whisper": (
        "{a} whispers in the ear of {b}",
        "{a} leans over and whispers something to {b}",
        "{a} leans close and speaks into the ear of {b} behind a hand",
    ),
}
#: How one is named, by side.
NAMED = ("the person on the {side}", "the {side} person", "the one on the {side}")
BOTH = ("two people", "the two people", "the person on the left and the person on the right", "two persons")


def sentence(interaction: str, acting: int | None, thing: str | None, rng: Generator) -> str:
    """Return a sentence about a clip.

    Args:
        interaction: its name.
        acting: who acts: 0 the left one, 1 the right one, null both.
        thing: what is handed over.
        rng: draws the wording; the first is as likely as the others together.
    """
    wordings = WORDINGS[interaction]
    other, named, both = rng.random() < 0.5, int(rng.integers(len(NAMED))), int(rng.integers(len(BOTH)))
    chosen = wordings[int(rng.integers(1, len(wordings)))] if other else wordings[0]
    sides = ("left", "right") if acting != 1 else ("right", "left")
    one, to = (NAMED[named].format(side=side) for side in sides)
    return chosen.format(a=one, b=to, we=BOTH[both], thing=f"a {thing}" if thing != "bread" else "a loaf of bread")
