"""A VLM adapted to a data set: `python -m stages.adapt home embedded ft_lc cs`.

Adapts the model `vlm.<model>` in the way of `adapt.<dataset>.<way>` on the train part of a protocol: a linear head on
its pooled visual tokens (ft_lc), the head with LoRA (ft_c_lora), or LoRA on the reference captions (captions). The
method is called `<model>_<way>_<protocol>`; it predicts the protocol's test clips, and nothing else. What is learnt
goes to data/<dataset>/models/<method>, an adapter to speak with to data/models/<dataset>_<method>. A killed run goes on
where it stopped; `HAR_LAUNCH="accelerate launch --num_processes 4"` runs it on several GPUs.
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
    """Adapt one model in one way on one protocol."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="a data set, with a block under `adapt` in params.yaml")
    parser.add_argument("model", help="a block under `vlm`")
    parser.add_argument("way", help="a block under `adapt.<dataset>`")
    parser.add_argument("protocol", help="a protocol of the data set")
    given = parser.parse_args()
    way, vlm = read(PARAMS, dataset=given.dataset, way=given.way, model=given.model).values()
    relaunch("stages.adapt", *vars(given).values())
    hold_arithmetic()
    keep_freed_memory()
    from stages.adapt.cell import Cell  # torch must not be imported before its arithmetic is held
    from stages.adapt.make import make

    cell = Cell(given.dataset, given.model, given.way, given.protocol)
    did = make(cell, way, vlm)
    if speaks():
        closing(f"adapt {cell.dataset} {cell.method}", did.words, did.spared, did.failed)


if __name__ == "__main__":
    guard(main)
