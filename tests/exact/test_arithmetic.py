"""Arithmetic is held to one instruction set, whatever more the processor offers; freed memory is kept."""

import json
import os
import platform
import subprocess
import sys

import pytest

LOADED = """
import json, stages, numpy, threadpoolctl
features = numpy._core._multiarray_umath.__cpu_features__
blas = [pool["architecture"] for pool in threadpoolctl.threadpool_info() if pool["internal_api"] == "openblas"]
print(json.dumps([sorted(name for name, on in features.items() if on), blas]))
"""


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="held on x86 only")
def test_numpy_goes_no_further_than_avx2() -> None:
    theirs = {"NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE"}
    given = {name: value for name, value in os.environ.items() if name not in theirs}
    printed = subprocess.run([sys.executable, "-c", LOADED], env=given, capture_output=True, text=True, check=True)
    on, blas = json.loads(printed.stdout)
    assert "X86_V3" in on
    assert not {"X86_V4", "AVX512_ICL", "AVX512_SPR"} & set(on)
    assert blas == ["Haswell"]
    assert not printed.stderr


KEPT = """
import ctypes, resource
from stages.exact.reproducible import keep_freed_memory
keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
def step():
    block = libc.malloc(2**26)
    ctypes.memset(ctypes.c_void_p(block), 1, 2**26)
    libc.free(block)
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="an option of glibc")
def test_a_buffer_that_was_freed_is_not_asked_of_the_system_again() -> None:
    printed = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True)
    assert int(printed.stdout) < 2**26 // 4096  # pages of one step; all eight would fault without
