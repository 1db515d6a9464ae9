"""ShakeFive2 (van Gemeren et al., 2014): one XML file a clip, which says what each person does in each frame.

A clip's label is the most frequent action of its people other than the states before and after it, as in public code
for the set. Of equals it is the first by name.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from stages.annotated.base import Annotations, Segment
from stages.base.errors import InputError
from stages.base.paths import fetch
from stages.taxonomy.load import extended
from stages.taxonomy.model import Taxonomy

SOURCE = "shakefive2"
#: What people do before and after they interact.
STATES = frozenset({"stand", "approach", "leave"})


def read(folder: Path) -> Annotations:
    """Return the clips whose XML files are in a folder or below; one that says no interaction has an error.

    Raises:
        InputError: there is no such file.
    """
    files = sorted(folder.rglob("*.xml"))
    if not files:
        raise InputError("no XML file of a clip", file=folder, do=f"unpack the set's metadata there; {fetch(folder)}")
    taxonomy = extended(folder)
    segments = [segment(path, taxonomy) for path in files]
    return Annotations(segments, sorted(taxonomy.classes_of(SOURCE)), [], [])


def segment(path: Path, taxonomy: Taxonomy) -> Segment:
    """Return the clip of an XML file."""
    name, labels = path.stem, taxonomy.labels_of(SOURCE)
    try:
        said = [(one.text or "").strip() for one in ElementTree.parse(path).getroot().iter("action_name")]
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError, LookupError) as error:
        return _broken(name, f"{path} is no XML: {error}")
    acts = Counter(action for action in said if action and action not in STATES)
    if not acts:
        return _broken(name, f"{path}: nobody does anything but {', '.join(sorted(STATES))}")
    label = min(acts, key=lambda action: (-acts[action], action))
    if label not in labels:
        return _broken(name, f"{path}: {label!r} is not in the taxonomy, which has {', '.join(labels)}")
    return Segment(name, name, None, labels[label], taxonomy.sentence(labels[label], name))


def _broken(name: str, why: str) -> Segment:
    return Segment(name, name, None, "", None, error=why)
