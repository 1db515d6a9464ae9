"""The embedded VLM, trained from random weights on rendered clips: `python -m stages.pretrain embedded`.

Reads data/<scene>/clips and truth.parquet of the scenes of `pretrain.<model>`; writes data/models/<model>: weights,
processor and model card, as `save_pretrained` does, so that it loads by path as any model does by name. A killed run
goes on from its last checkpoint, half a minute earlier, and ends in the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from stages.base.errors import InputError, guard
from stages.base.params import compute, read
from stages.base.progress import closing
from stages.exact.reproducible import hold_arithmetic, keep_freed_memory
from stages.pretrain.params import PARAMS, PretrainParams


def main() -> None:
    """Train the model that the command line names."""
    if len(sys.argv) != 2:
        raise InputError("expected the name of a model", do="python -m stages.pretrain <model>")
    params: PretrainParams = read(PARAMS, model=sys.argv[1])["pretrain.{model}"]
    hold_arithmetic()
    keep_freed_memory()
    from stages.pretrain.make import make  # torch must not be imported before its arithmetic is held

    folder = Path("data/models") / sys.argv[1]
    made = make(params, Path("data"), folder, compute().checkpoint_seconds)
    did = f"{made.weights:,} weights in {folder}; {made.vision:.0%} of single frames named, loss {made.language:.3f}"
    closing(f"pretrain {sys.argv[1]}", did, made.spared)


if __name__ == "__main__":
    guard(main)
