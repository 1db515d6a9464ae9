"""torchvision beside a CPU build of torch: call `declare_missing_ops()` before the first import of transformers.

torchvision's wheels on PyPI are linked against CUDA builds of torch. Beside a CPU build their C++ library does not load
and `import torchvision`, and with it nearly all of transformers, ends in "operator torchvision::nms does not exist".
Only the ops for boxes are in that library, and nothing here detects boxes: declaring them lets the import succeed, and
calling one still fails.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: A library's declarations last as long as the object.
_alive: list[Any] = []


@cache
def declare_missing_ops() -> bool:
    """Declare the ops that torchvision's import asks for where its C++ library does not load; return whether it did."""
    import torch

    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    try:
        torch.ops.load_library(Path(spec.origin).with_name("_C.so"))  # type: ignore[no-untyped-call]
    except OSError:
        library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
        for op in ("nms", "qnms"):
            library.define(f"{op}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
        _alive.append(library)
        return True
    return False
