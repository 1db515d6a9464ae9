"""Stands before `dvc push` and refuses what is licensed. `make setup` and `make hooks` put a copy of this file among
the environment's packages, where Python starts it by a `.pth` file; `make unhook` removes both.

It does nothing but wait until DVC imports its `push`, and then, in a repository that has `stages/leaves`, asks that.
Who may send all of it, to a remote of the same house, says so for one command: `HAR_PUSH=unchecked dvc push`.
"""

import functools
import inspect
import json
import os
import subprocess
import sys
from importlib.machinery import PathFinder

_PUSH = "dvc.repo.push"


class _Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):  # type: ignore[no-untyped-def]
        """Return the spec of DVC's `push` with the check before it; None for any other module."""
        spec = PathFinder.find_spec(name, path, target) if name == _PUSH else None
        if spec is None or spec.loader is None:
            return None
        plain = spec.loader.exec_module

        def exec_module(module):  # type: ignore[no-untyped-def]
            plain(module)
            module.push = _checked(module.push)  # type: ignore[no-untyped-call]

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _checked(push):  # type: ignore[no-untyped-def]
    signature = inspect.signature(push)

    @functools.wraps(push)
    def checked(self, *arguments, **named):  # type: ignore[no-untyped-def]
        unchecked = os.environ.get("HAR_PUSH") == "unchecked"
        if not unchecked and os.path.exists(os.path.join(self.root_dir, "stages", "leaves", "__main__.py")):
            given = dict(signature.bind(self, *arguments, **named).arguments)
            given.pop("self")
            asked = [sys.executable, "-m", "stages.leaves", "dvc", json.dumps(given, default=list)]
            done = subprocess.run(asked, cwd=self.root_dir, capture_output=True, text=True, check=False)
            if done.returncode:
                from dvc.exceptions import DvcException

                raise DvcException(f"nothing was pushed\n{done.stderr.strip()}")
        return push(self, *arguments, **named)

    return checked


if _Finder not in sys.meta_path:
    sys.meta_path.insert(0, _Finder)
