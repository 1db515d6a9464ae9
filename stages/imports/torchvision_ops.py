"""torchvision next to a CPU build of torch: the operators that it lacks are declared before it is imported.

torchvision's wheels on PyPI are linked against CUDA builds of torch. Next to a CPU build their C++ library does not
load and `import torchvision`, and with it most of transformers, peft and sentence_transformers, ends in "operator
torchvision::nms does not exist". Only the operators for boxes are in that library, and nothing here detects boxes:
declaring them lets the import succeed, and calling one still fails. `imports.py` calls this at the import.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

#: A library's declarations last as long as the object.
_alive: list[Any] = []


@cache
def declare_missing_ops(folder: Path) -> bool:
    """Declare the operators that the torchvision in `folder` asks for, where its C++ library does not load.

    Returns whether it did.
    """
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
