"""What the vllm back end answers, in the venv that has vLLM: `python -m tests.vlm.vllm_inside MODEL OUT`.

Run by `test_vllm.py`, which asks the local back end the same; it writes the answers, and what a second run asked again.
The compute.yaml where it runs says whether this process holds the model or a worker of Ray's.
"""

import json
import sys
import time
from pathlib import Path

from stages.base.journal.store import Journal
from stages.vlm.ask import Tally, ask_all
from stages.vlm.base import Example, Request
from stages.vlm.load import load
from stages.vlm.vllm import Vllm
from tests.vlm.given import media, vllm_params

ROOM = 12
#: Longer than the context of 512 tokens that vLLM is told of.
TOO_LONG = "Describe the activity. " * 200


def questions() -> list[Request]:
    """Return questions of each kind, the eleventh too long."""
    asked = [Request("Describe the activity", media("images", 1 + seed % 2, seed)) for seed in range(8)]
    asked += [Request("Is it so?"), Request("Who is there?", system="Be brief"), Request(TOO_LONG)]
    shot = Example("Is it so?", media("images", 1, 11), "Yes")
    asked.append(Request("And this?", media("images", 1, 12), text_first=True, examples=(shot,)))
    return [*asked, Request("Is it so?", media("images", 1, 13), options=("Yes", "No"))]


def constrained() -> Request:
    """Return a question whose answer must hold one of two words."""
    return Request("Describe", media("images", 1, 0), must_hold=("cup", "laptop"))


def main(model: str, out: str) -> None:
    block = vllm_params(model, max_new_tokens=ROOM)
    backend = load(block, "tiny")
    assert isinstance(backend, Vllm)
    begun, tally, again = time.monotonic(), Tally(), Tally()
    with Journal("infer") as journal:
        answers = [answer for _, answer in ask_all(backend, questions(), journal, tally=tally)]
        said = {"seconds": time.monotonic() - begun, "answers": [answer._asdict() for answer in answers]}
        list(ask_all(backend, questions(), journal, tally=again))
    held = [answer._asdict() for _, answer in backend.answer([constrained()])]
    # The same weights, drawn from: each question has its own draws, whatever else is asked.
    backend.params = block.model_copy(update={"temperature": 1.0})
    drawn = [Request("Describe", repeat=repeat) for repeat in range(3)]
    both = [[answer.text for _, answer in backend.answer(some)] for some in (drawn, drawn[1:])]
    counts = {"first": [tally.computed, tally.errors], "again": [again.computed, again.errors]}
    said["class"] = type(backend).__name__
    Path(out).write_text(json.dumps({**said, **counts, "held": held, "drawn": both, "shape": backend.shape()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
