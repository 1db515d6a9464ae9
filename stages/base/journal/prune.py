"""Drop the samples that no commit needs: `python -m stages.base.journal.prune` says what would go, `--yes` does it.

Needed is what an output carries in its column `journal_key`, of all outputs that a `dvc.lock` of any commit, branch,
tag or experiment records, and those of the working tree. They are read from DVC's cache. A room whose samples no output
names, and one of which an output is not in the cache, stays as it is. What a killed run had finished is in no output:
let it finish before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

import pyarrow.parquet as pq
import yaml

from stages.base.errors import InputError, guard
from stages.base.journal.store import Journal, prune, root

#: Room -> the outputs that carry the keys of its samples. Others (`keywords`, `bertscore`) are cheap and carry none.
ROOMS = {
    "probe": "data/*/manifest.parquet",
    "keyframes": "data/*/keyframes/*.parquet",
    "streams": "data/*/streams/*/clips.parquet",
    "caption": "data/*/captions.parquet",
    "infer": "data/*/predictions/*.parquet",
    "embed": "data/*/measures/*/embeddings.parquet",
    "judge": "data/*/measures/*/judgements.parquet",
    "choose": "data/*/measures/*/choices.parquet",
}


class Out(NamedTuple):
    """An output as a `dvc.lock` records it."""

    path: str
    md5: str


def recorded() -> set[Out]:
    """Return the outputs of every `dvc.lock` in the history of any ref and in the working tree."""
    objects = _git("rev-list", "--all", "--objects", "--", ":(glob)**/dvc.lock").splitlines()
    blobs = sorted({line.split()[0] for line in objects if line.endswith("dvc.lock")})
    here = _git("ls-files", "--cached", "--others", "--", ":(glob)**/dvc.lock").splitlines()
    texts = [_git("cat-file", "blob", blob) for blob in blobs]
    texts += [Path(name).read_text() for name in here if Path(name).exists()]
    return {out for text in texts for out in _outs(text)}


def _outs(lock: str) -> Iterator[Out]:
    stages = (yaml.load(lock, yaml.CSafeLoader) or {}).get("stages", {})
    for stage in stages.values():
        yield from (Out(out["path"], out["md5"]) for out in stage.get("outs", []) if "md5" in out)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"git {arguments[0]}: {done.stderr.strip()}", do="run it in the root of a git repository")
    return done.stdout


def needed(outs: Iterable[Out], cache: Path) -> tuple[set[str], Counter[str]]:
    """Return the keys that the outputs carry, and for each room how many of its outputs are not in the cache."""
    keys: set[str] = set()
    unknown: Counter[str] = Counter()
    for out in set(outs):
        found = cache / out.md5[:2] / out.md5[2:]
        if not out.md5.endswith(".dir"):
            files = [out]
        elif found.exists():
            files = [Out(f"{out.path}/{entry['relpath']}", entry["md5"]) for entry in json.loads(found.read_text())]
        else:
            unknown.update(room for room, pattern in ROOMS.items() if _holds(out.path, pattern))
            continue
        for file in files:
            rooms = [room for room, pattern in ROOMS.items() if _matches(file.path, pattern)]
            held = _keys(cache / file.md5[:2] / file.md5[2:]) if rooms else set()
            if held is None:
                unknown.update(rooms)
            else:
                keys |= held
    return keys, unknown


def _holds(folder: str, pattern: str) -> bool:
    """Tell whether a file that matches may be somewhere below a folder."""
    return any(_matches(folder, parent.as_posix()) for parent in PurePath(pattern).parents if parent.parts)


def _matches(path: str, pattern: str) -> bool:
    # The lengths too, as `match` looks at the end only.
    return PurePath(path).match(pattern) and len(PurePath(path).parts) == len(PurePath(pattern).parts)


def _keys(file: Path) -> set[str] | None:
    """Return a table's keys; None where the cache lacks it, has it broken, or an older version wrote no keys."""
    try:
        return set(pq.read_table(file, columns=["journal_key"])["journal_key"].to_pylist()) - {None}
    except (OSError, ValueError, KeyError):
        return None


def writers(tmp: Path, minutes: float) -> list[str]:
    """Return who may be writing: stages that run in this working tree, and segments that changed a short while ago."""
    lock = tmp / "rwlock"
    try:
        held = json.loads(lock.read_text()).get("write", {}).values() if lock.exists() else []
    except ValueError:
        held = []
    found = {f"process {one['pid']} ({one['cmd']})" for one in held if Path(f"/proc/{one['pid']}").exists()}
    late = time.time() - 60 * minutes
    segments = (path for path in root().glob("*/*.jsonl") if path.stat().st_mtime > late)
    return sorted(found | {f"{segment}, changed less than {minutes:g} minutes ago" for segment in segments})


def main() -> None:
    """Prune every room, or say what that would drop."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--yes", action="store_true", help="do it; else only say what would go")
    arguments.add_argument("--quiet-minutes", type=float, default=30, help="a segment that changed since is in use")
    given = arguments.parse_args()

    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            os.chdir(repo.root_dir)
            cache, tmp = Path(repo.cache.local.path), Path(repo.tmp_dir or ".dvc/tmp")
    except NotDvcRepoError:
        raise InputError("not inside a DVC repository", do="run it in the project's root") from None
    if given.yes and (found := writers(tmp, given.quiet_minutes)):
        do = "wait for them; where nobody writes, also on other machines, say `--quiet-minutes 0`"
        raise InputError("the journal may be in use:\n  " + "\n  ".join(found[:5]), file=root(), do=do)
    keys, unknown = needed(recorded(), cache)
    for room in sorted(path.name for path in root().iterdir() if path.is_dir()) if root().is_dir() else []:
        if room not in ROOMS:
            print(f"{room}: kept whole, no output names its samples")
        elif unknown[room]:
            print(
                f"{room}: kept whole, {unknown[room]} outputs that name its samples are not in DVC's cache"
                " (`dvc fetch --all-commits` brings them)"
            )
        elif given.yes:
            kept, dropped = prune(room, keys)
            print(f"{room}: {kept} samples kept, {dropped} dropped")
        else:
            with Journal(room) as journal:
                stay = len(journal.keys() & keys)
                print(f"{room}: {stay} samples would stay, {len(journal) - stay} would go (`--yes` drops them)")


if __name__ == "__main__":
    guard(main)
