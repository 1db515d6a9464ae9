"""Keyframes of many clips: those that the journal lacks, side by side on all cores, journalled as they come."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from stages.base.errors import InputError
from stages.base.journal.store import Journal
from stages.base.parallel.crashed import Crashed
from stages.base.parallel.pool import parallel_map
from stages.base.params import compute
from stages.base.progress import Progress
from stages.keyframes.extract import extract
from stages.keyframes.params import KeyframesParams


def compute_all(journal: Journal, paths: Mapping[str, str], params: KeyframesParams, processes: int) -> list[str]:
    """Journal the keyframes of each clip of `paths` (journal key -> file); return what failed, a line each."""
    missing = {path: sample for sample, path in paths.items() if sample not in journal}
    failures: list[str] = []
    with Progress("keyframes", len(paths), len(paths) - len(missing)) as progress:
        for path, value in parallel_map(
            partial(_attempt, params), missing, min(processes, max(1, len(missing))), compute().clip_seconds
        ):
            if isinstance(value, Crashed):
                failures.append(f"{path}: {value}")
            elif isinstance(value, str):
                failures.append(value)
            else:
                journal.put(missing[path], value)
            progress.advance()
    return sorted(failures)


def _attempt(params: KeyframesParams, path: str) -> dict[str, Any] | str:
    """Return a clip's keyframes, or why there are none: one bad clip must not end the others."""
    try:
        return extract(path, params)
    except InputError as error:
        return str(error)
