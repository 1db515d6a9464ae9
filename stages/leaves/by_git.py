"""What `git push` would send of what is licensed: every file of every commit that the other side lacks."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from stages.base.errors import GateError, some
from stages.base.paths import NONE
from stages.cache.licensed import Material, material
from stages.leaves.contents import Contents

#: What below data/ git has by design; larger than this it is something else with such a name.
_POINTERS, _LARGEST = (".dvc", ".gitignore"), 64 * 1024
#: What records name where there is no such input: files of one line, for DVC warns of empty ones.
_NOTHING, _LINE = {PurePosixPath(NONE), PurePosixPath("data/models/none")}, 120


class Blob(NamedTuple):
    """A file of a commit."""

    sha: str
    size: int
    path: PurePosixPath


def check(repo: Any, remote: str, lines: Iterable[str]) -> None:
    """Refuse a push whose commits hold licensed material.

    Args:
        repo: DVC's repository.
        remote: name of git's remote, or its address.
        lines: what git tells a pre-push hook: local ref and commit, remote ref and commit, a line each.

    Raises:
        GateError: they do; each file with why.
    """
    refs = [line.split() for line in lines if line.strip()]
    tips = [ref[1] for ref in refs if set(ref[1]) != {"0"}]
    there = [ref[3] for ref in refs if set(ref[3]) != {"0"} and _has(repo, ref[3])]
    found = sorted(set(_found(repo, blobs(repo, tips, there, remote)))) if tips else []
    if found:
        raise GateError(
            f"`git push` would send {len(found)} files that are licensed, or may be:\n"
            + some(found)
            + "\n  what to do: take them out of the commits (`git rm --cached`, then `git commit --amend` or "
            "`git rebase -i`), for what is pushed once is out for good"
        )


def _found(repo: Any, sent: Iterable[Blob]) -> Iterator[str]:
    held = material(repo)
    contents = Contents(repo, held, made=True)
    for blob, content in _read(repo, sent, contents):
        if why := _place(held, blob):
            yield f"{blob.path}: {why}"
        elif content is not None:
            md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
            if name := contents.name(md5, blob.size):
                yield f"{blob.path}: holds what {name} holds"


def _place(held: Material, blob: Blob) -> str:
    """Return why a file may not be in a commit by where it is; an empty text where it may."""
    path = blob.path
    if path.name.endswith(_POINTERS) and blob.size <= _LARGEST:
        return ""
    if path in _NOTHING and blob.size <= _LINE:
        return ""
    made = next((where for where, out in held.outs.items() if out.use_cache and path.is_relative_to(where)), None)
    if made is not None or any(path.is_relative_to(area) for area in held.areas()):
        return "of a licensed data set"
    if path.is_relative_to("data") and not (name := held.dataset(path)) and path not in held.others:
        return f"of no data set that params/datasets names ({name or path.parts[1]}), so that nobody knows its licence"
    return ""


def blobs(repo: Any, tips: list[str], there: list[str], remote: str) -> Iterator[Blob]:
    """Yield the files of the commits that lead to `tips`, less those that the remote has."""
    listed = _git(repo, "rev-list", "--objects", *tips, "--not", *there, f"--remotes={remote}")
    asked = ["cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize) %(rest)"]
    for line in _git(repo, *asked, given=listed).decode(errors="surrogateescape").splitlines():
        kind, sha, size, *rest = line.split(" ", 3)
        if kind == "blob":
            yield Blob(sha, int(size), PurePosixPath(rest[0] if rest else ""))


def _read(repo: Any, sent: Iterable[Blob], contents: Contents) -> Iterator[tuple[Blob, bytes | None]]:
    """Yield each file with its content; without it where its size tells enough."""
    with subprocess.Popen(
        ["git", "cat-file", "--batch"], cwd=repo.root_dir, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for blob in sent:
            if not contents.sizes(blob.size):
                yield blob, None
                continue
            reader.stdin.write(f"{blob.sha}\n".encode())
            reader.stdin.flush()
            reader.stdout.readline()
            content = reader.stdout.read(blob.size)
            reader.stdout.read(1)
            yield blob, content
        reader.stdin.close()


def _has(repo: Any, sha: str) -> bool:
    asked = ["git", "cat-file", "-e", f"{sha}^{{commit}}"]
    return subprocess.run(asked, cwd=repo.root_dir, capture_output=True, check=False).returncode == 0


def _git(repo: Any, *arguments: str, given: bytes | None = None) -> bytes:
    done = subprocess.run(["git", *arguments], cwd=repo.root_dir, input=given, capture_output=True, check=False)
    if done.returncode:
        raise GateError(
            f"git cannot say what it would push: {done.stderr.decode(errors='replace').strip()}\n"
            "  what to do: `git fsck`; nothing was pushed"
        )
    return done.stdout
