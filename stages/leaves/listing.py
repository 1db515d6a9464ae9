"""What `git push` and `dvc push` would send, by data set and licence."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from stages.cache.licensed import Material, material, relative
from stages.leaves.by_dvc import allowed, sendable

_NOWHERE = "of no data set"


def lines(repo: Any) -> Iterator[str]:
    """Yield the list, a block a data set, licensed ones first."""
    held = material(repo)
    send, refused = (set(map(PurePosixPath, names)) for names in allowed(repo))
    outs = {path: out for path, out in (*held.outs.items(), *held.others.items()) if out.use_cache and out.hash_info}
    kinds: dict[str, dict[str, list[PurePosixPath]]] = defaultdict(lambda: defaultdict(list))
    for path, out in sorted(outs.items()):
        kind = "sent" if path in send else "refused" if path in refused else "" if sendable(out) else "kept"
        kinds[_of(held, path)][kind].append(path)
    for path in _tracked(repo):
        kinds[_of(held, path)]["git"].append(path)
    for name in sorted(kinds, key=lambda name: (not _licensed(held, name), name == _NOWHERE, name)):
        yield name if name == _NOWHERE else f"{name} ({'licensed' if _licensed(held, name) else 'not licensed'})"
        for kind, words in (
            ("sent", "dvc push sends"),
            ("refused", "dvc push would send; make push, and dvc push after make hooks, do not"),
            ("kept", "stays here, push: false"),
            ("git", "git push sends"),
        ):
            if paths := kinds[name][kind]:
                size = sum(_size(outs[path]) for path in paths) if kind != "git" else _on_disk(repo, paths)
                yield f"  {words}: {len(paths)}, {size / 1e6:.2f} MB: {_named(paths)}"


def _licensed(held: Material, name: str) -> bool:
    return name in held.licences and held.licences[name].licensed


def _of(held: Material, path: PurePosixPath) -> str:
    """Return the data set that a path is of; of what a stage made elsewhere of a licensed one, that one."""
    if name := held.dataset(path):
        return name
    for name, one in held.licences.items():
        if any(path == source or path.is_relative_to(source) for source in one.sources):
            return name
    out = held.outs.get(path)
    names = {held.dataset(relative(out.repo, dep)) for dep in out.stage.deps} if out else set()
    return next((name for name in sorted(names) if _licensed(held, name)), _NOWHERE)


def _tracked(repo: Any) -> list[PurePosixPath]:
    asked = ["git", "ls-files", "-z", "--", "data", "metrics", "seeds/cells", "shipped"]
    done = subprocess.run(asked, cwd=repo.root_dir, capture_output=True, check=False)
    names = done.stdout.decode(errors="surrogateescape").split("\0")
    return [PurePosixPath(name) for name in names if name and not name.endswith((".dvc", ".gitignore"))]


def _size(out: Any) -> int:
    return (out.meta.size or 0) if out.meta else 0


def _on_disk(repo: Any, paths: list[PurePosixPath]) -> int:
    found = [Path(repo.root_dir) / path for path in paths]
    return sum(path.stat().st_size for path in found if path.is_file())


def _named(paths: list[PurePosixPath], most: int = 6) -> str:
    return ", ".join([*map(str, paths[:most]), *(["..."] if len(paths) > most else [])])
