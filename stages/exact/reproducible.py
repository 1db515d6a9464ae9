"""Training on a CPU: the same bytes on every machine of one instruction set or a newer one, and no needless faults.

Training is chaotic: a last bit that differs at step 1 is another model at step 500. PyTorch's three sources of
arithmetic on a CPU choose their kernels by what the processor offers; here all of them are held to AVX2, which every
x86 server and laptop of the last ten years has, so that a newer processor sums in the same order as an older one.
"""

from __future__ import annotations

import ctypes
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


def keep_freed_memory() -> None:
    """Let the C library keep what is freed for the next step, which asks for buffers of the same sizes.

    By itself glibc gives each large one back to the system and gets it anew, page by page, which took a tenth of the
    time of training. Elsewhere (musl, macOS, Windows) it does nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, 2**30)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)


#: glibc's numbers of these options, from its malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
