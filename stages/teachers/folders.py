"""Which teachers a folder has: its own, or those in its folders."""

from __future__ import annotations

from pathlib import Path

#: What makes a folder a teacher.
ABOUT = "teacher.json"


def folders(given: Path | None) -> list[str]:
    """Return the folders of the teachers that a record names, by name: one, several in one folder, or none.

    A folder without any is returned itself, so that whoever reads it says what is missing.
    """
    if given is None:
        return []
    several = sorted(path.parent for path in given.glob(f"*/{ABOUT}"))
    return [path.as_posix() for path in ([given] if (given / ABOUT).exists() or not several else several)]
