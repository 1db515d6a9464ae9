"""A workspace in which one seed differs: a small DVC repository inside the project that shares its cache and journal.

`dvc repro` in it finds all that the seed does not touch in the shared cache, and trains the rest. It is git-ignored,
and may be deleted at any time: what it finished is in the cache, what it has begun in the journal.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from stages.base.errors import InputError
from stages.base.journal.store import root as journal_root
from stages.base.params import lookup
from stages.seeds.lock import maker, outs, read_lock, write_lock

FOLDER = Path(".seeds")

#: What is copied as it is; DVC hashes code, so links would do no good.
_COPIED = ("dvc.yaml", "params.yaml", "compute.yaml", ".dvcignore")
#: Folders of which a workspace has what the project has; what records name where there is no such input, too.
_MIRRORED = ("stages", "params")
_NOTHING = ("data/none", "data/models/none")


class Seed(NamedTuple):
    """Where a seed is written."""

    recipe: str
    key: str

    @property
    def file(self) -> Path:
        """The recipe."""
        return Path("params/recipes") / f"{self.recipe}.yaml"


class _Plain(yaml.SafeDumper):
    """No aliases: a block that stood in two places would get the other seed in both."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write each value where it stands."""
        return True


def with_seed(seed: Seed, draw: int) -> str:
    """Return the text of a recipe with the seed, and nothing else, raised by `draw`.

    Raises:
        InputError: there is no whole number under the key.
    """
    # Written and read once more, each block is an object of its own, though an alias put it in two places.
    values = yaml.load(yaml.dump(read_params(seed.file), Dumper=_Plain), yaml.CSafeLoader)
    path, _, last = seed.key.rpartition(".")
    block = lookup(values, path, str(seed.file)) if path else values
    if not isinstance(block, dict) or not isinstance(block.get(last), int):
        raise InputError("no seed there", file=seed.file, key=seed.key, do="name the seed of a recipe")
    block[last] += draw
    return yaml.dump(values, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=10**6)


def read_params(path: Path) -> dict[str, Any]:
    """Return a params file's values as DVC reads them."""
    from dvc.utils.serialize import load_yaml

    return dict(load_yaml(str(path)))


def prepare(seed: Seed, draw: int) -> Path:
    """Make or refresh the workspace in which a seed is raised by `draw`; return its folder."""
    place = FOLDER / f"{seed.recipe}.{seed.key}-{draw}"
    (place / ".dvc").mkdir(parents=True, exist_ok=True)
    (place / ".dvc/config").write_text(
        "[core]\n    no_scm = true\n    analytics = false\n"
        f'[cache]\n    dir = {shared_cache()}\n    type = "reflink,hardlink,copy"\n'
    )
    for name in (*_COPIED, *_NOTHING):
        if Path(name).exists():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(name, place / name)
    for name in _MIRRORED:
        _mirror(Path(name), place / name)
    for folder in Path("metrics").glob("*/seeds"):  # a dep of `score`; tables of other seeds say nothing of this one
        shutil.rmtree(place / folder, ignore_errors=True)
        (place / folder).mkdir(parents=True)
    for pointer in Path("data").rglob("*.dvc"):
        if pointer.is_file():
            (place / pointer.parent).mkdir(parents=True, exist_ok=True)
            shutil.copy2(pointer, place / pointer)
    (place / seed.file).write_text(with_seed(seed, draw))
    _take_over(place)
    return place


@cache
def shared_cache() -> Path:
    """Return the folder of the project's DVC cache."""
    from dvc.repo import Repo

    with Repo() as repo:
        # The run cache lies beside the objects, in the folder that `cache.dir` names.
        return Path(repo.cache.legacy.path).resolve()


def _mirror(source: Path, target: Path) -> None:
    """Make `target` hold the files of `source` and no other, without touching those that are the same."""
    wanted = {path.relative_to(source) for path in source.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    for path in list(target.rglob("*")) if target.exists() else []:
        if path.is_file() and path.relative_to(target) not in wanted:
            path.unlink()
    for name in sorted(wanted):
        if not (target / name).exists() or not filecmp.cmp(source / name, target / name, shallow=False):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)


def _take_over(place: Path) -> None:
    """Bring the project's `dvc.lock` into the workspace, but keep what the workspace made since it was last brought.

    With it come the small outputs that lie in git, not in the cache.
    """
    now, then = read_lock(Path("dvc.lock")), read_lock(place / "brought.lock")
    own = read_lock(place / "dvc.lock")
    kept = {name: entry for name, entry in own.items() if name in now and now[name] == then.get(name)}
    merged = {name: kept.get(name, entry) for name, entry in now.items()}
    write_lock(place / "dvc.lock", merged)
    write_lock(place / "brought.lock", now)
    for name, entry in merged.items():
        for path in map(Path, outs(entry)):
            if entry != now[name] or path.parts[0] != "metrics":
                continue
            if path.is_dir():
                _mirror(path, place / path)
            elif path.is_file():
                (place / path.parent).mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, place / path)


def reproduce(place: Path, wanted: list[str]) -> None:
    """Make the outputs `wanted` in a workspace, by `dvc repro` of their cells; what is upstream comes from the cache.

    Raises:
        InputError: a stage failed; what it said stands above.
    """
    entries = read_lock(place / "dvc.lock")
    cells = [maker(entries, path) for path in wanted]
    # Data that DVC tracks and no stage makes are checked out by nothing else.
    _dvc(place, "checkout", "--quiet", "--force", "--allow-missing", "--with-deps", *cells)
    if _dvc(place, "repro", *cells):
        do = "read what the stage said above; the same command goes on where it stopped"
        raise InputError("`dvc repro` failed in this workspace", file=place, do=do)


def _dvc(place: Path, *arguments: str) -> int:
    # DVC tells a stage its name by these, and the stages in there have names of their own.
    env = {name: value for name, value in os.environ.items() if name not in ("DVC_STAGE", "DVC_ROOT")}
    env["HAR_JOURNAL"] = str(journal_root().resolve())
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", "")])
    return subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=place, env=env, check=False).returncode
