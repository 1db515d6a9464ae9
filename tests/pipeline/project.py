"""A copy of the project in a temporary folder, as a git and DVC repository of its own, with real but fewer data."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from stages.vlm.recorded import read_generations
from tests.conftest import ROOT, dvc, pointed

PUBLISHED = "data/published/vlms_har_rhms"
REPLAY = "papers/smarthome_vlm/dvc.yaml"
PARAMS = "papers/smarthome_vlm/params.yaml"
#: All about its data set.
BLOCKS = "params/datasets/smarthome_vlm.yaml"
RUN = "data/smarthome_vlm"
SPLITS = "data/published/smarthome_splits"
#: What other seeds gave, a folder of metrics: no stage of the graph writes it.
SEEDS = "seeds"


def git(*arguments: str, cwd: Path) -> str:
    """Run git; return what it printed."""
    return subprocess.run(
        ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", *arguments],
        cwd=cwd,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def copy_project(to: Path) -> Path:
    """Copy what git knows or would add, without results, and commit it there."""
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\n")
    results = ("metrics/", "shipped/", "tests/")
    for name in filter(None, listed):
        result = name.startswith(results) and SEEDS not in Path(name).parts and not name.endswith("/errors.json")
        if (ROOT / name).exists() and not result and not name.endswith("dvc.lock"):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, to / name)
    git("init", "-q", cwd=to)
    commit(to)
    return to


def commit(project: Path) -> None:
    """Commit everything."""
    git("add", "-A", cwd=project)
    git("commit", "-qm", "state", cwd=project)


def edit_yaml(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a YAML file in place."""
    values = yaml.safe_load(path.read_text())
    change(values)
    path.write_text(yaml.safe_dump(values, sort_keys=False))


def journal(project: Path) -> dict[str, str]:
    """Return the environment in which a project's journal is its own."""
    return {"HAR_JOURNAL": str(project / ".journal")}


def digests(project: Path) -> dict[str, str]:
    """Return the MD5 of each result. DVC adds to its `.gitignore`s in the order in which stages ran: no results."""
    found = [path for name in (RUN, "metrics") for path in sorted((project / name).rglob("*"))]
    files = [path for path in found if path.is_file() and path.name != ".gitignore" and SEEDS not in path.parts]
    return {str(path.relative_to(project)): hashlib.md5(path.read_bytes()).hexdigest() for path in files}


def ran(output: str) -> list[str]:
    """Return the stages that `dvc repro` ran, from what it printed."""
    return [line.split("'")[1].rpartition(":")[2] for line in output.splitlines() if line.startswith("Running stage")]


def replay_project(to: Path, remote_file: Callable[[str], Path], a_class: int) -> Path:
    """Return a project whose published files hold `a_class` real clips of each class; nothing was run in it."""
    project = copy_project(to)
    pointers = [path.relative_to(ROOT) for part in (PUBLISHED, SPLITS) for path in sorted((ROOT / part).glob("*.dvc"))]
    originals = {pointer: remote_file(str(pointer.with_suffix(""))) for pointer in pointers}
    clips = spread(read_generations(originals[Path(PUBLISHED) / "captions.json.dvc"]).texts, a_class)
    for pointer, original in originals.items():
        file = pointed(project / pointer)
        file.parent.mkdir(exist_ok=True)
        file.write_text(_fewer(original, clips))
        # No import any more: `dvc commit` would leave a frozen one as it is.
        edit_yaml(project / pointer, lambda content: [content.pop(key, None) for key in ("deps", "frozen", "md5")])
    # They are DVC's, as in the project: git ignores them, and `dvc exp run --temp` works in a copy of what is tracked.
    dvc("commit", "-q", "--force", *map(str, pointers), cwd=project)
    commit(project)
    return project


def spread(texts: dict[str, str], a_class: int) -> set[str]:
    """Return up to `a_class` clips of each class, evenly from the sorted list, so that subjects and cameras vary."""
    by_class = defaultdict(list)
    for clip in sorted(texts):
        by_class[clip.partition("_p")[0]].append(clip)
    return {clips[place * len(clips) // a_class] for clips in by_class.values() for place in range(a_class)}


def _fewer(original: Path, clips: set[str]) -> str:
    if original.suffix == ".txt":
        lines = original.read_text().splitlines()
        return "\n".join(line for line in lines if line.removesuffix(".mp4").replace(".", "_") in clips) + "\n"
    content = json.loads(original.read_text())
    return json.dumps(_cut(content, clips) if original.suffix == ".json" else content)


def _cut(content: Any, clips: set[str]) -> Any:
    if isinstance(content, dict):
        return {clip: text for clip, text in content.items() if clip in clips}
    return [entry for entry in content if any(entry.startswith(clip) for clip in _prefixes(entry, clips))]


def _prefixes(entry: str, clips: set[str]) -> list[str]:
    """Return the clip that an entry starts with; every clip name is as long as its camera number ends it."""
    head = entry[: entry.index("_c") + 4] if "_c" in entry else entry
    return [head] if head in clips else []
