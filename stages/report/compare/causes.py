"""Which stages ran again between two revisions, and because of what."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from stages.report.compare.revision import WORKSPACE, Revision


class Ran(NamedTuple):
    """A stage that differs between two revisions."""

    stage: str
    kind: str
    """ran again, new or gone."""
    causes: list[str]
    """In words, the params and code first."""
    changed: bool
    """Whether any output has other bytes."""


def ran_again(before: Revision, after: Revision) -> list[Ran]:
    """Return the stages whose record in `dvc.lock` differs, in the order of their names."""
    found = []
    for name in sorted({*before.stages, *after.stages}):
        old, new = before.stages.get(name), after.stages.get(name)
        if old is None or new is None:
            found.append(Ran(name, "new" if old is None else "gone", [], True))
        elif old != new:
            causes = list(_causes(old, new, before, after))
            changed = _hashes(old["outs"]) != _hashes(new["outs"])
            found.append(Ran(name, "ran again", causes or ["nothing that is recorded: forced, or run twice"], changed))
    return found


def _causes(old: Mapping[str, Any], new: Mapping[str, Any], before: Revision, after: Revision) -> Iterator[str]:
    params, now = dict(_flat(old["params"])), dict(_flat(new["params"]))
    for key in sorted({*params, *now}):
        if params.get(key) != now.get(key):
            yield f"param {key}: {_shown(params, key)} → {_shown(now, key)}"
    if old["cmd"] != new["cmd"]:
        yield f"command: {old['cmd']} → {new['cmd']}"
    for path in _differing(old["code"], new["code"]):
        files = _changed_files(path, before, after)
        yield f"code {path}{': ' + ', '.join(files) if files and files != [path] else ''}"
    makers = {out["path"]: name for name, stage in after.stages.items() for out in stage["outs"]}
    for path in _differing(old["data"], new["data"]):
        maker = makers.get(path)
        yield f"data {path}{f', from {maker}' if maker else ''}"


def _flat(params: Mapping[str, Any], lead: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in params.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{lead}{key}.")
        else:
            yield f"{lead}{key}", value


def _shown(params: Mapping[str, Any], key: str) -> str:
    return repr(params[key]) if key in params else "none"


def _hashes(items: list[dict[str, str]]) -> dict[str, str]:
    return {item["path"]: item["hash"] for item in items}


def _differing(old: list[dict[str, str]], new: list[dict[str, str]]) -> list[str]:
    was, now = _hashes(old), _hashes(new)
    return sorted(path for path in {*was, *now} if was.get(path) != now.get(path))


def _changed_files(path: str, before: Revision, after: Revision) -> list[str]:
    """Return the files under a path that git sees as different; what git does not track is not among them."""
    ends = [before.commit] if after.commit == WORKSPACE else [before.commit, after.commit]
    if before.commit == WORKSPACE:
        return []
    done = subprocess.run(
        ["git", "diff", "--name-only", *ends, "--", path], capture_output=True, text=True, check=False
    )
    return done.stdout.split() if not done.returncode else []
