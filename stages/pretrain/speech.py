"""What a small language model reads of two people: conversations in which one describes them and then says one word.

A language model that is frozen can only be led to say what it can say. Those of billions of weights know the words of
any interaction; this one is taught them as text, whatever clips show of them, and sees no clip. So that it can be led,
some words of the answer stand in the question, now and then, where a description's streams will stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SIDES = ("left", "right")
#: How one of two is named, and how both are.
ONE = ("the person on the {side}", "the {side} person", "the one on the {side}")
BOTH = ("two people", "the two people", "the person on the left and the person on the right", "two persons")
THINGS = ("a book", "a bottle", "a loaf of bread", "a kettle", "a laptop")

#: What one does to the other ({a} to {b}), with the words by which it is called; where sides name a class, {s} and {o}
#: are the side of who does it and of the other one.
DIRECTED: dict[tuple[str, ...], tuple[str, ...]] = {
    ("{s} hands over to {o}",): (
        "{a} hands {thing} over to {b}",
        "{a} gives {thing} to {b}",
        "{a} passes {thing} to {b}, who takes it with both hands",
    ),
    ("{s} kicks {o}", "kicking"): (
        "{a} kicks {b}",
        "{a} lifts a leg and kicks {b} in the belly",
        "{a} kicks {b}, who bends forward",
    ),
    ("lift", "lifting"): (
        "{a} lifts {b} off the floor",
        "{a} takes {b} around the waist and lifts them up",
        "{a} puts both arms around {b} and raises them",
    ),
    ("pat on the back", "patting"): (
        "{a} pats {b} on the back",
        "{a} stands behind {b} and pats their back with one hand",
        "{a} taps {b} on the back",
    ),
    ("point", "pointing"): (
        "{a} points at {b}",
        "{a} stretches an arm and points a finger at {b}",
        "{a} points with one hand at the face of {b}",
    ),
    ("punch", "punching"): (
        "{a} punches {b}",
        "{a} raises both fists and punches {b} in the face",
        "{a} strikes {b} with the fist",
    ),
    ("{s} pushes {o}", "pushing"): (
        "{a} pushes {b}",
        "{a} pushes {b} with both hands",
        "{a} shoves {b}, who steps back",
    ),
    ("taunt", "taunting"): (
        "{a} taunts {b}",
        "{a} beckons {b} with both arms to come and fight",
        "{a} spreads the arms and provokes {b}",
    ),
    ("whisper", "whispering"): (
        "{a} whispers in the ear of {b}",
        "{a} leans over and whispers something to {b}",
        "{a} leans close and speaks into the ear of {b} behind a hand",
    ),
}
#: What both do.
MUTUAL: dict[tuple[str, ...], tuple[str, ...]] = {
    ("back away", "backing away"): (
        "{we} step back from each other",
        "{we} back away from each other face to face",
        "{we} stand face to face and walk backwards",
    ),
    ("bow", "bowing down"): (
        "{we} bow to each other",
        "{we} bend forward and greet each other with a bow",
        "{we} stand face to face and bow down",
    ),
    ("high five", "clapping hands"): (
        "{we} give each other a high five",
        "{we} raise a hand and clap it against the other's",
        "{we} clap hands above their heads",
    ),
    ("hug", "hugging"): (
        "{we} hug each other",
        "{we} put their arms around each other",
        "{we} come close and embrace",
    ),
    ("shake hands", "shaking hands"): (
        "{we} shake hands",
        "{we} give each other a hand and shake it",
        "{we} greet each other and shake hands",
    ),
    ("walk together", "walking"): (
        "{we} walk together",
        "{we} walk side by side",
        "{we} walk next to each other in one direction",
    ),
    ("walk up", "meeting"): (
        "{we} walk up to each other",
        "{we} come closer to each other and stand face to face",
        "{we} walk towards each other",
    ),
}
#: The questions of the stage `interact`, with words in the places of streams; others teach how questions may be put.
FIRST = (
    "Describe interaction between {0} and {1} in {2}?",
    "Describe interaction between {0} and {1}?",
    "Describe interaction in {0}?",
)
SECOND = "Describe the activity in one word."


class Talk(NamedTuple):
    """Two turns: questions and answers."""

    questions: tuple[str, str]
    answers: tuple[str, str]


def talk(rng: np.random.Generator) -> Talk:
    """Return a conversation. Half of the time all words of the description stand in the question, shuffled."""
    directed, mutual = list(DIRECTED), list(MUTUAL)
    number = int(rng.integers(len(directed) + len(mutual)))
    side = int(rng.integers(2))
    if number < len(directed):
        called, wordings = directed[number], DIRECTED[directed[number]]
    else:
        called, wordings = mutual[number - len(directed)], MUTUAL[mutual[number - len(directed)]]
    one, how = ONE[int(rng.integers(len(ONE)))], wordings[int(rng.integers(len(wordings)))]
    description = how.format(
        a=one.format(side=SIDES[side]),
        b=one.format(side=SIDES[1 - side]),
        we=BOTH[int(rng.integers(len(BOTH)))],
        thing=THINGS[int(rng.integers(len(THINGS)))],
    )
    word = called[int(rng.integers(len(called)))].format(s=SIDES[side], o=SIDES[1 - side])
    return Talk((_hinted(description, word, rng), SECOND), (description, word))


def _hinted(description: str, word: str, rng: np.random.Generator) -> str:
    """Return the first question, with some words of both answers, in any order, in the places of its streams."""
    words = list(dict.fromkeys([*description.replace(",", "").split(), *word.split()]))
    shown = rng.random() + 0.5
    kept = [one for one in rng.permutation(words) if rng.random() < shown]
    question = FIRST[int(rng.integers(len(FIRST)))]
    places = question.count("{")
    parts: Sequence[Sequence[str]] = [kept[place::places] for place in range(places)]
    return question.format(*(" ".join(part) for part in parts))
