"""All code of the study, one room a stage; see README.md for the graph."""

import gc
import os
import platform

from stages.imports import hooks

# torch's matrix products (MKL) otherwise round differently with the number of threads and of rows, so that an answer
# would depend on the machine's cores and on the size of its batch. MKL reads this at its first product. It costs
# nothing (sentence embeddings: within 4 %), because AUTO leaves MKL the newest instructions that the processor has;
# whoever sets the variable has it as they set it.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

# numpy and its BLAS choose their kernels by what the processor offers, and a sine that ends in another last bit is
# another pixel of a rendered clip, and so another model that learnt from it. They are held to AVX2, which every x86
# server and laptop of the last ten years has; torch is held so only where it trains (stages/exact/reproducible.py).
if platform.machine().lower() in {"x86_64", "amd64"}:
    os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR")
    os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")

# By itself Python looks for garbage in cycles after every 700 objects that were added, as happens some thousand times
# while torch and transformers are imported and a model is loaded, and each time finds next to nothing: a tenth of the
# time of an import, a quarter of that of a small model. Whatever is in no cycle is freed at once as ever.
gc.set_threshold(10_000, 10, 10)

# Declares what torchvision lacks, and keeps transformers from asking whether to run a stranger's code.
hooks.install()
