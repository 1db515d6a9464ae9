"""Text from outside as text that can be written: JSON may hold half of a character, which UTF-8 cannot."""

from __future__ import annotations


def well_formed(text: str) -> str:
    r"""Return `text` with each lone surrogate as U+FFFD, and two that belong together as their character.

    `"\ud83d"` is valid JSON and no text: a server that cuts a reply between two halves of an emoji sends it.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
