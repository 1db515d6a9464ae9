"""Write the code that each stage depends on into `dvc.yaml`, and the file itself to each paper: `make graph`.

A stage depends on its room and on every room that it imports, directly or through others, a folder each: whatever
changes in one may change the result. The lines are replaced where they are; all else of the file is left as it is.
"""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Longest line.
WIDTH = 120
#: A stage's command; a line of its `deps` that is code: folders, each followed by a comma.
COMMAND = re.compile(r"\s+cmd: python -m stages\.(\w+)")
CODE = re.compile(r"(\s+)(stages/[\w/.]+,\s*)+")


def pipelines() -> list[Path]:
    """Return the graph and its copies, one beside the params of each paper; seeds/ has a graph of its own."""
    return [ROOT / "dvc.yaml", *(params.with_name("dvc.yaml") for params in sorted(ROOT.glob("papers/*/params.yaml")))]


def rooms(module: str) -> set[str]:
    """Return the rooms under `stages` that a module's file imports from, anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse(Path(module).read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "stages":
            names = [f"stages.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("stages.")}
    return found


def closure(room: str) -> list[str]:
    """Return the folders of a room and of all that it imports, itself first, the others by name."""
    seen: set[str] = set()
    waiting = {room}
    while waiting:
        seen |= waiting
        files = [file for name in waiting for file in (ROOT / "stages" / name).rglob("*.py")]
        waiting = {name for file in files for name in rooms(str(file))} - seen
    return [f"stages/{name}" for name in sorted(seen, key=lambda name: (name != room, name))]


def written(text: str) -> str:
    """Return a pipeline's text with the code of each stage as its imports are now."""
    lines: list[str] = []
    room, done = "", False
    for line in text.splitlines(keepends=True):
        if command := COMMAND.match(line):
            room, done = command[1], False
        if code := CODE.fullmatch(line):
            if not done:
                folders = " ".join(f"{folder}," for folder in closure(room))
                lines += [f"{code[1]}{part}\n" for part in textwrap.wrap(folders, WIDTH - len(code[1]))]
            done = True
        else:
            lines.append(line)
    return "".join(lines)


def main() -> None:
    """Write what has changed, and say which."""
    graph = written((ROOT / "dvc.yaml").read_text())
    for pipeline in pipelines():
        if not pipeline.exists() or pipeline.read_text() != graph:
            pipeline.write_text(graph)
            print(f"{pipeline.relative_to(ROOT)}: written")


if __name__ == "__main__":
    main()
