"""Errors that a user can act on, and the frame that shows them without a stack trace."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
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


def guard(main: Callable[[], None]) -> None:
    """Run a stage's `main`; a user's error ends in one clear message and exit status 1.

    A stage that DVC runs gets its arguments from dvc.yaml first, which no shell sees. A bug still shows its stack
    trace: only errors that a user can act on are caught.
    """
    from stages.base.names import take_arguments  # it raises these errors

    try:
        take_arguments()
        main()
    except (InputError, GateError) as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        # Full, over a quota, or beyond the largest file that is allowed: for the user it is the same.
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        sys.exit(
            f"error: the disk is full ({error.filename or 'no file named'})\n"
            "  what to do: free some space and run the same command again; finished samples are in the journal"
        )
    except KeyboardInterrupt:
        sys.exit("interrupted: finished samples are in the journal; run the same command to go on")
