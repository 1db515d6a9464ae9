"""What `null_constant` says: for each metric the one caption that does best when it is said of every clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stages.metrics.candidates import Candidates
from stages.metrics.registry import METRICS
from stages.text.sentences import Sentences


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
    """Return the best caption of similarity (first), and of each metric that chooses one by what it itself gives.

    Similarity's is the one whose cosine to the reference captions is highest, as the mean over the classes of the N
    clips. Of captions that do equally well by another metric the one of the highest similarity is taken, of those the
    first. bertscore and judge are answered by similarity's: to compare each caption with all would take more than all
    models' answers do.

    Args:
        texts: (N,) reference captions, the candidates.
        labels: (N,) the labels of their clips.
        keywords: class -> its keywords.
        words: class -> its words, of the classes of these clips, in their order.
        sentences: embeds texts.
    """
    candidates = Candidates(texts, labels, keywords, words, sentences)
    best = int(candidates.cosine.argmax())
    chosen = [Constant(None, texts[best], f"mean cosine {candidates.cosine[best]:.3f}")]
    for name, metric in METRICS.items():
        if metric.constant is not None:
            choice = metric.constant(candidates)
            chosen.append(Constant(name, texts[choice.place], choice.why))
    return chosen
