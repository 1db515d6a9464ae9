"""What a cook says about a clip: a verb's and a noun's words, as people vary them."""

from __future__ import annotations

from typing import NamedTuple

from numpy.random import Generator

#: The words of each verb class, as EPIC-KITCHENS writes them: a hyphen before what belongs to the verb. The class's
#: own name is the first, and as likely as all others together.
VERB_WORDS: dict[str, tuple[str, ...]] = {
    "take": ("take", "pick-up", "get", "grab"),
    "put": ("put", "put-down", "place"),
    "open": ("open",),
    "close": ("close", "shut"),
    "wash": ("wash", "rinse", "clean"),
    "cut": ("cut", "chop", "slice"),
    "stir": ("stir", "mix"),
    "pour": ("pour", "pour-from"),
    "shake": ("shake",),
    "dry": ("dry", "wipe"),
}
NOUN_WORDS: dict[str, tuple[str, ...]] = {
    "bottle": ("bottle",),
    "bowl": ("bowl",),
    "bread": ("bread", "loaf"),
    "carrot": ("carrot",),
    "cup": ("cup", "mug"),
    "cupboard": ("cupboard", "cabinet"),
    "drawer": ("drawer",),
    "jar": ("jar",),
    "knife": ("knife",),
    "plate": ("plate", "dish"),
    "pot": ("pot", "pan"),
    "spoon": ("spoon", "ladle"),
}
#: What a verb is done with, where the cook may say so.
TOOLS = {"cut": "knife", "stir": "spoon"}


class Narration(NamedTuple):
    """A narration and the words in it that name classes."""

    text: str
    verb: str
    nouns: tuple[str, ...]
    """The first names the clip's noun."""


def narrate(verb: str, noun: str, colour: str | None, rng: Generator) -> Narration:
    """Return a narration of a pair; `colour` is the thing's, which is said at times."""
    said, named = _word(VERB_WORDS[verb], rng), _word(NOUN_WORDS[noun], rng)
    told = rng.random() < 0.2
    thing = f"{colour} {_spoken(named)}" if colour and told else _spoken(named)
    text, nouns = f"{_spoken(said)} {_article(thing, rng)}", [named]
    mentioned = rng.random() < 0.3
    if verb in TOOLS and mentioned:
        text += f" with {_article(TOOLS[verb], rng)}"
        nouns.append(TOOLS[verb])
    return Narration(text, said, tuple(nouns))


def _word(words: tuple[str, ...], rng: Generator) -> str:
    other = rng.random() < 0.5
    return words[int(rng.integers(1, len(words)))] if other and len(words) > 1 else words[0]


def _spoken(word: str) -> str:
    return word.replace("-", " ")


def _article(thing: str, rng: Generator) -> str:
    kind = int(rng.choice(3, p=[0.4, 0.4, 0.2]))
    return (thing, f"the {thing}", f"{'an' if thing[0] in 'aeiou' else 'a'} {thing}")[kind]
