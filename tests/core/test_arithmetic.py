"""numpy and its BLAS are held to one instruction set, whatever more the processor offers."""

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
