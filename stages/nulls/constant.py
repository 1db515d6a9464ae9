"""What `null_constant` says: for each metric the one caption that does best when it is said of every clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stages.text.keywords import has_word
from stages.text.sentences import Sentences
from stages.text.vectors import as_constants, cosine_table
from stages.vlm.constraint import found

Floats = NDArray[np.float64]

#: Whether a text holds one of some keywords.
Rule = Callable[[str, Sequence[str]], object]


class Constant(NamedTuple):
    """A caption said of every clip."""

    metric: str | None
    """The metric that chose it; None: similarity, whose caption answers all metrics that have no other."""
    text: str
    why: str
    """What it gets on the clips that it was chosen on."""


def constants(
    texts: Sequence[str],
    labels: Sequence[Sequence[str]],
    keywords: Mapping[str, Sequence[str]],
    words: Mapping[str, str],
    sentences: Sentences,
) -> list[Constant]:
    """Return the best caption of similarity (first), `keyword`, `keyword_word` and `nearest_class`.

    Each is chosen by what the metric itself gives to one caption said of all N clips, as the mean over their classes:

    - similarity: its cosine to the reference captions;
    - keyword, keyword_word: the share of classes of whose keywords it holds one, by the metric's own rule;
    - nearest_class: a text names one class, which is right in one class whichever it is, so that mean class accuracy
      chooses none. It is the class that most clips have, which has the best macro-F1 and accuracy.

    Of captions that do equally well the one of the highest similarity is taken, of those the first. bertscore and judge
    are answered by similarity's: to compare each caption with all would take more than all models' answers do.

    Args:
        texts: (N,) reference captions, the candidates.
        labels: (N,) the labels of their clips.
        keywords: class -> its keywords.
        words: class -> its words, of the classes of these clips, in their order.
        sentences: embeds texts.
    """
    vectors = sentences.embed(texts)
    names = ["+".join(held) for held in labels]
    cosine = as_constants(vectors, names)
    best = int(cosine.argmax())
    chosen = [Constant(None, texts[best], f"mean cosine {cosine[best]:.3f}")]
    classes = list(words)
    lists = [keywords[name] for name in classes]
    rules: dict[str, Rule] = {"keyword": found, "keyword_word": has_word}
    for metric, rule in rules.items():
        best, hits = most_classes(texts, lists, rule, cosine)
        chosen.append(Constant(metric, texts[best], f"a keyword of {hits} of {len(classes)} classes"))
    named = cosine_table(vectors, sentences.embed(list(words.values()))).argmax(1)
    clips = Counter(name for held in labels for name in held)
    frequency = np.array([clips[classes[index]] for index in named])
    best = int(np.lexsort((-cosine, -frequency))[0])
    why = f"names {classes[named[best]]}, the class of {frequency[best]} of {len(texts)} clips"
    return [*chosen, Constant("nearest_class", texts[best], why)]


def most_classes(texts: Sequence[str], lists: Sequence[Sequence[str]], rule: Rule, cosine: Floats) -> tuple[int, int]:
    """Return the index of the text that holds a keyword of the most classes, and of how many; of equals the nearest.

    Only texts that can still win are read by the rule: either rule finds a keyword only where the stem of its first
    word, which all its inflections share, is in the text.

    Args:
        texts: (N,) candidates.
        lists: (C,) the keywords of each class.
        rule: whether (truthy) a text holds one of some keywords.
        cosine: (N,) how near each text is.
    """
    stems = [{(word.split() or [""])[0][:-1].lower() for word in words} for words in lists]
    bounds = {text: sum(any(stem in text.lower() for stem in of_class) for of_class in stems) for text in set(texts)}
    best, most, known = -1, -1, dict[str, int]()
    for index in sorted(range(len(texts)), key=lambda index: (-bounds[texts[index]], -cosine[index], index)):
        text = texts[index]
        if bounds[text] < most:
            break
        if text not in known:
            known[text] = sum(bool(rule(text, words)) for words in lists)
        if (known[text], cosine[index]) > (most, cosine[best]):
            best, most = index, known[text]
    return best, most
