"""Whether a cell has to run."""

from __future__ import annotations

from typing import Any

from stages.base.errors import InputError


def has_changed(stage: Any) -> bool:
    """Return whether a cell of DVC's has to run as things are; the repository's lock must be held.

    Raises:
        InputError: another process is at work at it.
    """
    from dvc.lock import LockError

    try:
        return bool(stage.status())
    except LockError as error:
        # Another run is at work, or one was killed and its process is not yet gone.
        what = " ".join(str(error).partition("\n\n")[0].split())
        do = "wait until it is done; if no process of that number works any more, remove .dvc/tmp/rwlock"
        raise InputError(what, do=do) from error
