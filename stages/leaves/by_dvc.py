"""What `dvc push` would send of what is licensed, in every revision that it was asked about."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from stages.base.errors import GateError, some
from stages.base.licence import overlap
from stages.cache.licensed import hashes, material, relative
from stages.leaves.contents import Contents


def check(repo: Any, given: Mapping[str, Any]) -> None:
    """Refuse a push that would send licensed material.

    Args:
        repo: DVC's repository.
        given: what DVC's `push` was called with, by name.

    Raises:
        GateError: it would; each output with why.
    """
    found = [f"{one.path}{one.of}: {one.why}" for one in _found(repo, given)]
    if found:
        raise GateError(
            f"`dvc push` would send {len(found)} outputs that are licensed:\n"
            + some(found)
            + "\n  what to do: `make push` sends everything else, `make what-leaves` lists both; what a licence allows "
            "to leave is of a data set whose file in params/datasets says `licensed: false`"
        )


class Found(NamedTuple):
    """An output that may not be sent."""

    path: PurePosixPath
    of: str
    """Which revision it is of, in words; an empty text for the working tree."""
    why: str


def _found(repo: Any, given: Mapping[str, Any]) -> Iterator[Found]:
    from dvc.utils import glob_targets

    names = ("revs", "all_branches", "all_tags", "all_commits")
    chosen = {name: given[name] for name in names if given.get(name)}
    targets = given.get("targets")
    targets = glob_targets([targets] if isinstance(targets, str) else targets, glob=bool(given.get("glob")))
    here = material(repo)
    clips = Contents(repo, here, made=False)
    all_of_it = Contents(repo, here, made=True)
    seen = set()
    for rev in repo.brancher(workspace=given.get("workspace", True), **chosen):
        # What params say now counts; of a data set that they do not name any more, what they said then.
        now = here if rev in ("", "workspace") else material(repo, here.licences)
        for path, out in _sent(repo, targets, given):
            if (path, str(out.hash_info)) in seen:
                continue
            seen.add((path, str(out.hash_info)))
            of_licensed = path in now.outs or any(overlap(path, area) for area in now.areas())
            why = "made of a licensed data set" if of_licensed else ""
            contents = clips if out.stage.cmd else all_of_it
            why = why or next((f"holds what {name} holds" for name in _same(contents, out)), "")
            if why:
                yield Found(path, "" if rev in ("", "workspace") else f" of {rev[:12]}", why)


def _same(contents: Contents, out: Any) -> Iterator[str]:
    for value, size in hashes(out):
        if name := contents.name(value, size):
            yield name


def _sent(repo: Any, targets: Any, given: Mapping[str, Any]) -> Iterator[tuple[PurePosixPath, Any]]:
    """Yield the outputs of the present revision that a push of these targets sends."""
    from dvc.repo.index import index_from_targets

    view = index_from_targets(
        repo,
        targets,
        with_deps=bool(given.get("with_deps")),
        recursive=bool(given.get("recursive")),
        stage_filter=lambda stage: not stage.is_repo_import,
        outs_filter=sendable,
    )
    for out in view.outs:
        yield relative(repo, out), out


def sendable(out: Any) -> bool:
    """Tell whether `dvc push` sends an output at all."""
    return bool(out.can_push and out.use_cache and out.is_in_repo)


def allowed(repo: Any) -> tuple[list[str], list[str]]:
    """Return the outputs here that may be sent, and those that `dvc push` would send and may not."""
    found = material(repo)
    refused = {str(one.path) for one in _found(repo, {})}
    every = [(path, out) for path, out in (*found.others.items(), *found.outs.items()) if sendable(out)]
    names = sorted(str(path) for path, out in every if not out.stage.is_repo_import and out.hash_info)
    return [name for name in names if name not in refused], [name for name in names if name in refused]


def push(repo: Any, remote: str | None) -> None:
    """Send all that may be sent, and say what is not."""
    send, held = allowed(repo)
    sent = repo.push(targets=[os.path.join(repo.root_dir, name) for name in send], remote=remote) if send else 0
    print(f"push: {sent} files sent, of {len(send)} outputs; {len(held)} outputs that are licensed stay here")
