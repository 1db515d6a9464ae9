"""Errors that a user can act on, and the frame that shows them without a stack trace."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


class InputError(Exception):
    """Something given is unusable: which file, which row or key, what was expected, what to do."""

    def __init__(
        self,
        what: str,
        *,
        file: str | Path | None = None,
        row: object = None,
        key: object = None,
        do: str = "",
    ) -> None:
        where = [str(file)] if file is not None else []
        if row is not None:
            where.append(f"row {row}")
        if key is not None:
            where.append(f"key {key!r}")
        message = f"{', '.join(where)}: {what}" if where else what
        super().__init__(f"{message}\n  what to do: {do}" if do else message)


class GateError(Exception):
    """A stage did its work and its result does not pass the check that the stage promises."""


#: Share of a cell's samples that may be errors where its params do not say it.
ERRORS = 0.1


def allow(failed: Mapping[str, str | None], total: int, share: float, what: str) -> None:
    """Let a cell go on whose errors are few; a cell of errors must not look finished.

    Args:
        failed: what is an error -> why.
        total: samples of the cell.
        share: of them may be errors.
        what: they are, in the plural.

    Raises:
        GateError: more than that are; call it before an output is written.
    """
    if len(failed) <= share * total:
        return
    listed = some([f"{name}: {why}" for name, why in sorted(failed.items())], 5)
    raise GateError(
        f"{len(failed)} of {total} {what} are errors, more than the {share:.0%} that `errors` allows:\n{listed}\n"
        "  what to do: mend the cause and run the same command again: what succeeded is kept and only the others are "
        "tried again; or set `errors`, the share that may fail, in this cell's block of params.yaml"
    )


def some(lines: Sequence[str], most: int = 10) -> str:
    """Return the first lines of a list for a message, each indented, and three dots where there are more."""
    return "\n".join(f"  {line}" for line in [*lines[:most], *(["..."] if len(lines) > most else [])])


_kept: list[str] = []


def keeps(what: str) -> None:
    """Remember what this process keeps of unfinished work, for the message that it ends with where it must stop."""
    if what not in _kept:
        _kept.append(what)


def _left() -> str:
    return " and ".join(_kept) or "it starts from the beginning"


def _disk_is_full(error: Exception) -> bool:
    """Tell whether a disk is full, over a quota, or a file beyond the largest size: for the user it is the same."""
    full = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    if isinstance(error, OSError):
        return error.errno in full
    # The writer of safetensors, in Rust, has the number in its text only.
    written_in_rust = type(error).__name__ == "SafetensorError"
    return written_in_rust and any(f"(os error {number})" in str(error) for number in full)


def _may_not_write(error: Exception) -> bool:
    """Tell whether a file or folder is refused: on a disk that is only read, or by its permissions.

    What is refused and is no file, such as a signal, is nothing that rights to files would mend.
    """
    refused = (errno.EROFS, errno.EACCES, errno.EPERM)
    return isinstance(error, OSError) and error.errno in refused and error.filename is not None


def guard(main: Callable[[], None]) -> None:
    """Run a stage's `main`; a user's error ends in one clear message and exit status 1.

    A stage that DVC runs gets its arguments from dvc.yaml first, which no shell sees. A bug still shows its stack
    trace: only errors that a user can act on are caught.
    """
    from stages.base.names import take_arguments  # it raises these errors

    _kept.clear()
    try:
        take_arguments()
        main()
    except (InputError, GateError) as error:
        sys.exit(f"error: {error}")
    except Exception as error:
        named = getattr(error, "filename", None)
        if _disk_is_full(error):
            what = f"the disk is full ({named or 'no file named'})"
            do = "free some space"
        elif _may_not_write(error):
            what = f"{named}: {getattr(error, 'strerror', error)}"
            do = "give this user the rights to it, or HAR_JOURNAL a folder that it can write to"
        else:
            raise
        sys.exit(f"error: {what}\n  what to do: {do}, and run the same command again; {_left()}")
    except KeyboardInterrupt:
        sys.exit(f"interrupted: run the same command again; {_left()}")
