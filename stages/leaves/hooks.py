"""The checks where pushes begin: git's hook `pre-push`, and before DVC's `push` in this environment."""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

from stages.base.errors import InputError

_MARK = "# Refuses what is licensed; `make unhook` removes it."
_MODULE = "har_vlm_leaves"


def install(by_git: bool = True) -> None:
    """Write both, or DVC's only; a hook of another maker that is there runs after the check.

    Raises:
        InputError: this is no git repository, or what has to be written cannot be.
    """
    told = []
    try:
        if by_git:
            hook = _git_hook()
            hook.parent.mkdir(parents=True, exist_ok=True)
            if hook.exists() and _MARK not in hook.read_text(errors="replace"):
                hook.replace(_before(hook))
            hook.write_text(_text(_before(hook)))
            hook.chmod(0o755)
            told.append(f"`git push` asks {hook}")
        module, start = _dvc_hook()
        module.write_text(Path(__file__).with_name("dvc_hook.py").read_text())
        start.write_text(f"import {_MODULE}\n")
        told.append(f"`dvc push` of {sys.prefix} asks {module}")
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", file=error.filename, do="make it writable") from None
    print(f"hooks: {', '.join(told)}")


def remove() -> None:
    """Remove what `install` wrote, and put back what was there before."""
    hook = _git_hook()
    if hook.exists() and _MARK in hook.read_text(errors="replace"):
        hook.unlink()
    if _before(hook).exists() and not hook.exists():
        _before(hook).replace(hook)
    for path in _dvc_hook():
        path.unlink(missing_ok=True)
    print("unhook: nothing asks before a push any more")


def _text(before: Path) -> str:
    python, before_it = shlex.quote(sys.executable), shlex.quote(str(before))
    return f"""#!/bin/sh
{_MARK}
refs=$(cat)
printf '%s\\n' "$refs" | {python} -m stages.leaves git "$1" || exit 1
if [ -x {before_it} ]; then printf '%s\\n' "$refs" | {before_it} "$@"; fi
"""


def _before(hook: Path) -> Path:
    return hook.with_name(f"{hook.name}.before")


def _git_hook() -> Path:
    asked = ["git", "rev-parse", "--git-path", "hooks/pre-push"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError("no git repository", file=Path.cwd(), do="run it in the project's root")
    return Path(done.stdout.strip()).absolute()


def _dvc_hook() -> tuple[Path, Path]:
    packages = Path(sysconfig.get_path("purelib"))
    return packages / f"{_MODULE}.py", packages / f"{_MODULE}.pth"
