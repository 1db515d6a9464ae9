"""Some of the clips for a first look, evenly of each class, chosen by hash: a larger number contains a smaller."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence


def by_hash(clip_id: str) -> str:
    """Return what puts clips into an order that has nothing to do with their names."""
    return hashlib.blake2b(clip_id.encode(), digest_size=16).hexdigest()


def limited(clip_ids: Sequence[str], labels: Mapping[str, Sequence[str]], limit: int | None) -> list[str]:
    """Return at most `limit` of the clips, sorted; all of them where it is null.

    Each class (each set of labels, where a clip has several or none) gives its first clip by hash, then its second, and
    so on, so that no class has two more than another that has clips left. A larger limit contains a smaller one.
    """
    if limit is None or limit >= len(clip_ids):
        return sorted(clip_ids)
    of_class: dict[tuple[str, ...], list[str]] = {}
    for clip_id in clip_ids:
        of_class.setdefault(tuple(sorted(labels[clip_id])), []).append(clip_id)
    turns = [
        (turn, by_hash(clip_id), clip_id)
        for members in of_class.values()
        for turn, clip_id in enumerate(sorted(members, key=by_hash))
    ]
    return sorted(clip_id for _, _, clip_id in sorted(turns)[:limit])
