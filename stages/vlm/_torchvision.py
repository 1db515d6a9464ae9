"""Make torchvision importable beside a torch that its compiled part was not built for.

PyPI's torchvision is built for CUDA. Beside a CPU-only torch its library `_C` does not load, so the operators that it
would declare are missing, and since 0.28 `import torchvision` fails where it attaches shapes to two of them (`nms`,
`qnms`). Nobody here calls these operators; image processors only want the Python part (resizing, normalising). So the
two are declared, without an implementation, where the library does not load. Where it loads, nothing happens.

Import this module before anything that imports torchvision, which transformers does with its image processors.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_Library: Any = torch.library.Library
_library: Any = None  # the declarations live as long as this object


def declare_missing_operators() -> bool:
    """Declare `nms` and `qnms` where torchvision is installed and cannot do it itself; return whether that was so."""
    global _library
    spec = find_spec("torchvision")
    if _library is not None or spec is None or spec.origin is None or _loads(Path(spec.origin).parent):
        return _library is not None
    _library = _Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        _library.define(name + _SCHEMA)
    return True


def _loads(folder: Path) -> bool:
    # The same call that torchvision makes; loading a library a second time does nothing.
    operators: Any = torch.ops
    for compiled in (*folder.glob("_C*.so"), *folder.glob("_C*.pyd")):
        try:
            operators.load_library(str(compiled))
        except OSError:
            return False
        return True
    return False


declare_missing_operators()
