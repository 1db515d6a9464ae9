"""The same bytes from training on every machine of one instruction set or a newer one.

Training is chaotic: a last bit that differs at step 1 is another model at step 500. PyTorch's three sources of
arithmetic on a CPU choose their kernels by what the processor offers; here all of them are held to AVX2, which every
x86 server and laptop of the last ten years has, so that a newer processor sums in the same order as an older one.
"""

from __future__ import annotations

import os
import sys

_HELD = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "AVX2,STRICT"}


def hold_arithmetic() -> None:
    """Hold torch's kernels to one instruction set. Call it before torch is imported, in a stage that trains.

    Raises:
        RuntimeError: torch is imported already and has chosen its kernels (a bug of the caller).
    """
    if "torch" in sys.modules:
        raise RuntimeError("torch is imported already: its kernels are chosen")
    os.environ.update(_HELD)
