"""The classes at a glance: one keyframe of a clip of each class, for any data set whose images the page may show."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from stages.report.images import data_uri, encoded_keyframes
from stages.report.inputs import Inputs

#: Clips of a class that are tried: one whose keyframes could not be taken has none.
TRIED = 3


class Picture(NamedTuple):
    """A class's place on the sheet."""

    label: str
    """The class's name; empty for a clip that shows none of the classes."""
    words: str
    others: list[str]
    """The words of the other classes that the clip shows."""
    clip: str
    image: str
    """Data URI; on screens of two dots a pixel it is shown at half its width."""


def pictures(inputs: Inputs, width: int) -> list[Picture]:
    """Return the picture of each class, in their order; of a multi-label data set also of a clip without a class.

    It is the middle keyframe of a clip with as few other classes as there are, so that what is seen is the class; of
    several such clips the first by a hash of its name: as good as drawn, and the same each time. A class of which no
    clip has a keyframe is left out.

    Raises:
        InputError: there are no keyframes.
    """
    usable = inputs.manifest.filter(pl.col("error").is_null()).select("clip_id", "labels")
    labels: dict[str, list[str]] = dict(zip(usable["clip_id"], usable["labels"].to_list(), strict=True))
    wanted = {
        name: _tried([clip for clip, held in labels.items() if name in held], labels) for name in inputs.classes.names
    }
    if inputs.classes.many:
        wanted[""] = _tried([clip for clip, held in labels.items() if not held], labels)
    keyframes = encoded_keyframes(inputs.run.keyframes, [clip for clips in wanted.values() for clip in clips])
    words, found = inputs.classes.words, []
    for name, clips in wanted.items():
        clip = next((clip for clip in clips if clip in keyframes), None)
        if clip is not None:
            image = keyframes[clip][len(keyframes[clip]) // 2]
            others = [words[other] for other in labels[clip] if other != name]
            found.append(Picture(name, words.get(name, "none of the classes"), others, clip, data_uri(image, width)))
    return found


def _tried(clips: Sequence[str], labels: dict[str, list[str]]) -> list[str]:
    draw = {clip: hashlib.blake2b(clip.encode(), digest_size=8).digest() for clip in clips}
    return sorted(clips, key=lambda clip: (len(labels[clip]), draw[clip]))[:TRIED]
