"""A VLM adapted to a data set: `python -m stages.adapt home embedded_ft_lc_cs embedded ft_lc cs`.

Adapts the model `vlm.<model>` by the recipe params/recipes/<recipe>.yaml on the train part of a protocol: a linear head
on its pooled visual tokens (ft_lc), the head with LoRA (ft_c_lora), or LoRA on the reference captions (captions). It
predicts the protocol's test clips, and nothing else; an adapter to speak with predicts none. What is learnt goes to
data/<dataset>/models/<method>. A killed run goes on where it stopped;
`HAR_LAUNCH="accelerate launch --num_processes 4"` runs it on several GPUs.
"""

from __future__ import annotations

import argparse

from stages.adapt.params import PARAMS
from stages.base.errors import guard
from stages.base.params import read
from stages.base.progress import closing
from stages.exact.reproducible import hold_arithmetic, keep_freed_memory
from stages.learn.launch import relaunch, speaks


def main() -> None:
    """Adapt one model by one recipe on one protocol."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a file of params/datasets")
    parser.add_argument("method", help="what is adapted is called so")
    parser.add_argument("model", help="a file of params/models")
    parser.add_argument("recipe", help="a file of params/recipes")
    parser.add_argument("protocol", help="a protocol of the data set")
    given = parser.parse_args()
    way, vlm = read(PARAMS, recipe=given.recipe, model=given.model).values()
    relaunch("stages.adapt", *vars(given).values())
    hold_arithmetic()
    keep_freed_memory()
    from stages.adapt.cell import Cell  # torch must not be imported before its arithmetic is held
    from stages.adapt.make import make

    cell = Cell(**vars(given))
    did = make(cell, way, vlm)
    if speaks():
        closing(f"adapt {cell.dataset} {cell.method}", did.words, did.cached, did.failed)


if __name__ == "__main__":
    guard(main)
