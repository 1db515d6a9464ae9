"""Put what was learnt into `shipped/`, and say whether store and lock fit each other."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.base.errors import GateError, InputError
from stages.cache.licensed import material, relative
from stages.ship.cells import Cell, fingerprint, hashes, learning, learns, locked, locks, stale, upstream
from stages.ship.processor import kind
from stages.ship.record import Record, Shipped, read_record, seconds_file, write_record
from stages.ship.store import Objects
from stages.ship.workspace import replaced

#: What brings lock, code and store together.
TOGETHER = "`dvc repro`, then `make ship`, and commit dvc.lock, metrics/ and shipped/ together"


def push(repo: Any) -> None:
    """Copy the outputs of the cells that learn into the store, drop what no lock names, print what it holds.

    Raises:
        InputError: `dvc.lock` does not fit code and params, or names what is nowhere; or the store cannot be written.
    """
    objects, cells = Objects(repo), learning(repo)
    if not cells:
        raise InputError("no cell learns", file="dvc.yaml", do="nothing is to be shipped")
    refuse_licensed(repo, cells)
    changed = outdated(repo, cells, made=True)
    changed += [f"{cell.name} (changed: {path})" for cell in cells for path in replaced(repo, [cell])]
    if changed:
        raise InputError(
            "not of the present code and params, so `dvc repro` would train: " + "; ".join(changed),
            file="dvc.lock",
            do=TOGETHER,
        )
    if absent := [f"{cell.name} ({why})" for cell in cells if (why := objects.absent(cell))]:
        raise InputError(f"nowhere to be had: {', '.join(absent)}", file="dvc.lock", do=TOGETHER)
    wanted = _wanted(repo, objects, cells)
    try:
        for md5 in sorted({md5 for cell in cells for md5 in objects.of(cell)}):
            if objects.fault(md5):
                objects.ship(md5)
        for md5 in objects.shipped.keys() - wanted:
            objects.path(md5).unlink(missing_ok=True)
        _record(repo, cells)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise InputError("cannot be written", file=error.filename or "shipped", do="make shipped/ writable") from None
    sizes = [path.stat().st_size for path in Objects(repo).shipped.values()]
    print(
        f"ship: {len(cells)} cells that learn, {len(sizes)} objects, {sum(sizes) / 1e6:.1f} MB in shipped/; "
        f"{len(objects.shipped.keys() - wanted)} that no lock names were dropped"
    )


def refuse_licensed(repo: Any, cells: list[Cell]) -> None:
    """Refuse to put into git what was learnt from a licensed data set, and what such models say of its clips.

    Raises:
        InputError: one of these cells learnt from one.
    """
    held = material(repo).outs
    if named := [cell.name for cell in cells if any(relative(repo, out) in held for out in cell.stage.outs)]:
        raise InputError(
            f"learnt from a licensed data set, and shipped/ is in git: {', '.join(named)}",
            file="params.yaml",
            do="take the records of these cells out of params.yaml before you ship; their results stay in DVC's cache",
        )


def check(repo: Any) -> None:
    """Say whether store, lock, and code with params fit each other.

    Raises:
        GateError: they do not.
    """
    objects, cells = Objects(repo), learning(repo)
    if changed := outdated(repo, cells):
        raise GateError(
            f"dvc.lock is not of the present code and params: {'; '.join(changed)}\n  what to do: run {TOGETHER}"
        )
    wrong = [f"{cell.name}: dvc.lock does not have all of its outputs" for cell in cells if None in cell.outs.values()]
    wrong += [
        f"{cell.name}: {objects.name(md5)} {objects.fault(md5)}"
        for cell in cells
        for md5 in objects.of(cell)
        if objects.fault(md5)
    ]
    wrong += [
        f"{objects.name(md5)}: no lock names it"
        for md5 in sorted(objects.shipped.keys() - _wanted(repo, objects, cells))
    ]
    if wrong:
        listed = "\n".join(f"  {line}" for line in [*wrong[:20], *(["..."] if len(wrong) > 20 else [])])
        raise GateError(
            f"shipped/ and dvc.lock do not fit each other:\n{listed}\n"
            "  what to do: run `make ship` and commit shipped/; where the weights are not here, "
            f"first `make repro`"
        )
    print(f"ship: shipped/ has all outputs of the {len(cells)} cells that learn, and nothing else")


def outdated(repo: Any, cells: list[Cell], *, made: bool = False) -> list[str]:
    """Return, in words, which of these cells, and of the stages that they need, would run again, and why."""
    stages = {stage.addressing: stage for cell in cells for stage in (*upstream(repo, cell), cell.stage)}
    found = {name: stale(repo, stage, made=made) for name, stage in stages.items()}
    return [f"{name} (changed: {', '.join(why)})" for name, why in sorted(found.items()) if why]


def moved(repo: Any) -> list[str]:
    """Return the cells that learn of which the lock says something else than when they were shipped."""
    now = locked((Path(repo.root_dir) / "dvc.lock").read_text())
    record = read_record(Path(repo.root_dir) / "shipped")
    return [
        cell.name
        for cell in learning(repo)
        if cell.name not in record or record[cell.name].entry != fingerprint(now.get(cell.name))
    ]


def _wanted(repo: Any, objects: Objects, cells: list[Cell]) -> set[str]:
    """Return the objects that cells which learn have in any lock of the repository."""
    found = {md5 for cell in cells for md5 in objects.of(cell)}
    return found | set(_of_other_locks(repo, objects))


def _of_other_locks(repo: Any, objects: Objects) -> Iterator[str]:
    for entries in locks(repo).values():
        for name, entry in entries.items():
            for md5 in hashes(entry.get("outs", [])).values() if learns(name) else ():
                yield from (md5, *(objects.inside(md5) or []))


def _record(repo: Any, cells: list[Cell]) -> None:
    """Write what is on record of each cell; of outputs that were shipped before, where they were trained holds."""
    folder, root = Path(repo.root_dir) / "shipped", Path(repo.root_dir)
    entries, before, took = locked((root / "dvc.lock").read_text()), read_record(folder), seconds_file(repo)
    seconds: dict[str, int] = json.loads(took.read_text()) if took.exists() else {}
    record: Record = {}
    for cell in cells:
        old, outs = before.get(cell.name), fingerprint(hashes(entries[cell.name]["outs"]))
        same = old is not None and old.outs == outs
        record[cell.name] = Shipped(
            entry=fingerprint(entries[cell.name]),
            outs=outs,
            processor=old.processor if old and same else kind(),
            seconds=seconds.get(cell.name, old.seconds if old else None),
        )
    write_record(folder, record)
