"""What the null model that names every class says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def every_class(keywords: Mapping[str, Sequence[str]]) -> str:
    """Return a sentence with one keyword, the first, of every class: what wins by naming everything."""
    return f"The person is {', '.join(keywords[name][0] for name in sorted(keywords))}."
