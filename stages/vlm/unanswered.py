"""What a cell leaves behind of questions that ended in an error, so that the next `dvc repro` asks them again."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.base.params import running_stage
from stages.base.paths import Run
from stages.base.tables import read_json, write_json


def count_errors(run: Run, errors: int, stage: str, method: str | None = None) -> str:
    """Write how many answers of a cell ended in an error; return what happens with them then, in words.

    Call it once the output is written. What is run by hand writes nothing: DVC knows that the output is another one.
    `stages/methods/errors.py` says what the number does.

    Args:
        run: of the cell's data set.
        errors: of its answers; what cannot be asked, such as a clip without keyframes, is none.
        stage: caption, infer or measure.
        method: of a stage that has a cell for each.
    """
    by_hand = running_stage() is None
    if not by_hand:
        with _alone(run.errors.parent):
            known = read_json(run.errors) if run.errors.exists() else {}
            cells = known.setdefault(stage, {}) if method else known
            if cells.get(method or stage) != errors:
                cells[method or stage] = errors
                write_json(run.errors, known)
    if not errors:
        return ""
    return f"{errors} ended in an error: {'the same command' if by_hand else 'the next `dvc repro`'} asks again"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder's lock: cells that DVC runs at the same time write into one file."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
