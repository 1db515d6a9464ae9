"""What is done as libraries are imported, whoever imports them; `stages/__init__.py` installs it before all else.

- torchvision's missing operators are declared (`torchvision_ops.py`): most of transformers, peft and
  sentence_transformers import it, and which name of theirs does is known to nobody (a config does, through its
  sub-configs), so no caller can be trusted to think of it.
- transformers never asks on the terminal whether to run code that a model's folder brings: a `y` in a pipe would run
  it. Unset, `trust_remote_code` is then an error.

It costs nothing until the library is imported: no torch is imported by it before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from stages.imports.torchvision_ops import declare_missing_ops


def _declare(module: ModuleType) -> None:
    if module.__file__:
        declare_missing_ops(Path(module.__file__).parent)


def _never_ask(module: ModuleType) -> None:
    # Seconds that it waits for an answer; at 0 it raises instead of asking.
    module.TIME_OUT_REMOTE_CODE = 0  # type: ignore[attr-defined]


#: Module -> what is done before and after it is executed.
_RULES: dict[str, tuple[Callable[[ModuleType], None] | None, Callable[[ModuleType], None] | None]] = {
    "torchvision": (_declare, None),
    "transformers.dynamic_module_utils": (None, _never_ask),
}


class _Ruled:
    """A finder that finds only modules with a rule, where they are, and has the rule kept as they are executed."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the spec of a module that has a rule; None for any other."""
        spec = PathFinder.find_spec(name, path, target) if name in _RULES else None
        if spec is None or spec.loader is None:
            return None
        plain, (before, after) = spec.loader.exec_module, _RULES[name]

        def exec_module(module: ModuleType) -> None:
            if before:
                before(module)
            plain(module)
            if after:
                after(module)

        # Not when it is looked for, which transformers does with torchvision to know whether it is there.
        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def install() -> None:
    """Have the rules kept from here on, and by what is imported already."""
    if _Ruled not in sys.meta_path:
        sys.meta_path.insert(0, _Ruled)
    asking = sys.modules.get("transformers.dynamic_module_utils")
    if asking is not None:  # a test or a notebook imported it before `stages`
        _never_ask(asking)
