"""A `dvc.lock` that a kill left empty or cut short: `python -m stages.cache.locks` says so, with `mend` it is restored.

DVC writes a lock in place, so that a kill may empty it; it then refuses to go on without saying how. Mended,
each cell has the entry that fits the code, params and data which are here and whose outputs are here or in DVC's cache:
of what is left of the lock, of DVC's run cache, or of the last commit. Where none fits, the last commit's is taken, and
`dvc repro` says what has changed since. Nothing is computed, and no file but the lock is written. DVC's run cache has
no stage with an output that git tracks and that is no metric: `ingest`, `keywords`, `controls` and `score` may run
again.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.base.errors import GateError, guard
from stages.base.params import pipelines, resolver
from stages.base.tables import write_text

Entries = dict[str, dict[str, Any]]

#: A cell of a lock as it is written, up to the next one.
_CELL = re.compile(r"^  (?P<name>\S[^\n]*):\n(?P<body>(?:    [^\n]*\n)+)", re.MULTILINE)
_PARTS = {"cmd", "deps", "params", "outs"}


def damage(pipeline: Path) -> str:
    """Return what is wrong with a pipeline's lock, in words; an empty text where nothing is, or where it has none."""
    lock = pipeline.with_suffix(".lock")
    if not lock.exists():
        return ""
    text = lock.read_text(encoding="utf-8", errors="replace")
    if not text.strip("\0 \n"):
        return "is empty"
    whole = salvaged(text)
    if not text.endswith("\n") or _names(text) != list(whole):
        return f"is cut short or damaged: {len(whole)} of its cells are whole"
    graph = set(resolver(pipeline).get_keys())
    lost = [name for name in committed(lock) if name not in whole and name in graph]
    return f"has lost {len(lost)} cells that the last commit has, such as {lost[0]}" if lost else ""


def check() -> None:
    """Refuse a lock that is damaged.

    Raises:
        GateError: one is.
    """
    found = [(pipeline.with_suffix(".lock"), why) for pipeline in pipelines() if (why := damage(pipeline))]
    if found:
        raise GateError(
            "; ".join(f"{lock} {why}" for lock, why in found)
            + "\n  what to do: `make mend` restores it and computes nothing; without it `dvc repro` would run again "
            "what the lock does not have. If you took cells out on purpose, commit the lock"
        )


def salvaged(text: str) -> Entries:
    """Return the cells of a lock that are whole, by name."""
    from dvc.utils.serialize import YAMLFileCorruptedError, parse_yaml  # another reader takes 1e-05 for a text

    found: Entries = {}
    for cell in _CELL.finditer(text):
        try:
            entry = parse_yaml(cell["body"], "dvc.lock")
        except YAMLFileCorruptedError:
            continue
        if isinstance(entry, dict) and "cmd" in entry and entry.keys() <= _PARTS and _hashed(entry):
            found[cell["name"].strip("'\"")] = entry
    if found and not text.endswith("\n"):
        found.popitem()  # the last one may lack its end
    return found


def _names(text: str) -> list[str]:
    return [name.strip("'\"") for name in re.findall(r"^  (\S[^\n]*):\n", text, re.MULTILINE)]


def _hashed(entry: Mapping[str, Any]) -> bool:
    """Tell whether each dependency and output of an entry has a hash that can be one, and there is an output."""
    files = [*(entry.get("deps") or []), *(entry.get("outs") or [])]
    return bool(entry.get("outs")) and all(
        isinstance(file, dict) and re.fullmatch(r"[0-9a-f]{32}(\.dir)?", str(file.get("md5", ""))) for file in files
    )


def committed(lock: Path) -> Entries:
    """Return the cells of a lock as the last commit has them; none where it has none."""
    asked = ["git", "show", f"HEAD:./{lock.name}"]
    done = subprocess.run(asked, cwd=lock.parent, capture_output=True, text=True, check=False)
    return salvaged(done.stdout) if done.returncode == 0 else {}


def mend() -> None:
    """Write each lock that is damaged again, and say where its cells are from."""
    for pipeline in pipelines():
        lock = pipeline.with_suffix(".lock")
        if not (why := damage(pipeline)):
            continue
        damaged = lock.read_bytes()
        left, last = salvaged(damaged.decode(errors="replace")), committed(lock)
        try:
            write_text(lock, _dumped(last))  # DVC reads no lock that is cut
            entries, origins = chosen(pipeline, left, last)
        except BaseException:
            lock.write_bytes(damaged)  # what is left of it is nowhere else
            raise
        write_text(lock, _dumped(entries))
        counted = ", ".join(f"{count} from {origin}" for origin, count in sorted(origins.items()))
        print(f"mend: {lock} {why}; now it has {len(entries)} cells: {counted or 'none is known'}")
    print("mend: `dvc status` tells what would run; nothing was computed")


def chosen(pipeline: Path, left: Entries, last: Entries) -> tuple[Entries, Counter[str]]:
    """Return the entry of each cell, and how many came from where; cells in the order of the last commit's lock."""
    import networkx as nx
    from dvc.repo import Repo

    found: Entries = {}
    origins: Counter[str] = Counter()
    made: dict[str, str] = {}
    with Repo() as repo, repo.lock:
        root = Path(repo.root_dir)
        for stage in nx.dfs_postorder_nodes(repo.index.graph):
            name = getattr(stage, "name", None)
            if not name or Path(stage.path) != (root / pipeline).resolve():
                continue
            now = _now(stage, made)
            offers = [("what was left", left.get(name)), ("the last commit", last.get(name))]
            offers[1:1] = [("the run cache", entry) for entry in _run(repo, now)]
            fitting = (offer for offer in offers if offer[1] and _fits(offer[1], now) and _there(stage, offer[1]))
            origin, entry = next(fitting, ("the last commit, and has changed since", last.get(name)))
            if entry:
                found[name] = entry
                origins[origin] += 1
                made |= {out["path"]: out["md5"] for out in entry["outs"] if "md5" in out}
    order = [name for name in last if name in found]
    return {name: found[name] for name in [*order, *(name for name in found if name not in last)]}, origins


def _now(stage: Any, made: Mapping[str, str]) -> dict[str, Any]:
    """Return the entry that a cell would get now, its outputs aside; of what is not here, what was made last."""
    from dvc.stage.serialize import to_single_stage_lockfile

    stage.save_deps(allow_missing=True)
    entry: dict[str, Any] = to_single_stage_lockfile(stage)
    absent = {dep.def_path for dep in stage.deps if not dep.exists}
    for recorded in entry.get("deps", []):
        if recorded["path"] in absent & made.keys():
            recorded.update(hash="md5", md5=made[recorded["path"]])
    return entry


def _run(repo: Any, now: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what DVC's run cache has of a cell with these dependencies, newest first."""
    from dvc.stage.cache import _get_cache_hash
    from dvc.utils.serialize import YAMLFileCorruptedError, load_yaml

    entry = {**now, "outs": [{"path": out["path"]} for out in now.get("outs", [])]}
    folder = Path(repo.stage_cache._get_cache_dir(_get_cache_hash(entry, key=True)))
    for path in sorted(folder.glob("*"), key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            known = load_yaml(str(path))
        except YAMLFileCorruptedError:
            continue
        if isinstance(known, dict) and "cmd" in known and _hashed(known):
            yield known


def _fits(entry: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Tell whether an entry was made by the command, params and data that are here."""

    def hashes(listed: Any) -> dict[str, str]:
        return {item["path"]: item.get("md5", "") for item in listed or []}

    same = entry["cmd"] == now["cmd"] and hashes(entry.get("deps")) == hashes(now.get("deps"))
    outs = hashes(entry.get("outs")).keys() == hashes(now.get("outs")).keys()
    return same and outs and (entry.get("params") or {}) == (now.get("params") or {})


def _there(stage: Any, entry: Mapping[str, Any]) -> bool:
    """Tell whether each output of an entry is here as the entry has it, or, file by file, in DVC's cache."""
    hashes = {item["path"]: item["md5"] for item in entry["outs"]}
    for out in stage.outs:
        wanted = hashes.get(out.def_path)
        if wanted is None:
            return False
        if out.exists and out.get_hash().value == wanted:
            continue
        cache = out.cache
        if not cache.exists(wanted):
            return False
        if wanted.endswith(".dir"):
            listed = json.loads(Path(cache.oid_to_path(wanted)).read_text())
            if not all(cache.exists(item["md5"]) for item in listed):
                return False
    return True


def _dumped(entries: Entries) -> str:
    """Return a lock's text as DVC writes it."""
    from dvc.utils.serialize import dumps_yaml

    return str(dumps_yaml({"schema": "2.0", "stages": entries}))


def main() -> None:
    """Check, or mend."""
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    mend() if sys.argv[1:] == ["mend"] else check()


if __name__ == "__main__":
    guard(main)
