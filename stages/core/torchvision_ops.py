"""torchvision next to a CPU build of torch: its import declares the operators that it lacks first, whoever imports it.

torchvision's wheels on PyPI are linked against CUDA builds of torch. Next to a CPU build their C++ library does not
load and `import torchvision`, and with it most of transformers, peft and sentence_transformers, ends in "operator
torchvision::nms does not exist". Only the operators for boxes are in that library, and nothing here detects boxes:
declaring them lets the import succeed, and calling one still fails.

Which name of transformers imports torchvision is known to nobody (a config does, through its sub-configs), so no caller
can be trusted to think of it: `stages/__init__.py` installs this once, before any module of `stages` runs. It costs
nothing until torchvision is imported, and torch is imported by it only then.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

#: A library's declarations last as long as the object.
_alive: list[Any] = []


class _Torchvision:
    """A finder that finds only torchvision, where it is, and has its missing operators declared as it is executed."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the spec of torchvision whose loader declares first; None for anything else."""
        spec = PathFinder.find_spec(name, path, target) if name == "torchvision" else None
        if spec is None or spec.loader is None or spec.origin is None:
            return None
        plain, folder = spec.loader.exec_module, Path(spec.origin).parent

        def exec_module(module: ModuleType) -> None:
            declare_missing_ops(folder)
            plain(module)

        # Not when it is looked for, which transformers does to know whether it is there.
        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def install() -> None:
    """Have torchvision's import, whoever asks for it, declare the missing operators first."""
    if _Torchvision not in sys.meta_path:
        sys.meta_path.insert(0, _Torchvision)


@cache
def declare_missing_ops(folder: Path) -> bool:
    """Declare the operators that the import of the torchvision in `folder` asks for, where its C++ library does not
    load; return whether it did."""
    import torch

    try:
        torch.ops.load_library(folder / "_C.so")  # type: ignore[no-untyped-call]
    except OSError:
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for op in ("nms", "qnms"):
            library.define(f"{op}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
        _alive.append(library)
        return True
    return False
