"""An unfinished training kept beside the journal: a killed run goes on, and ends in the same bytes.

What is kept is all that the next step depends on: weights and buffers, the heads, the optimiser's moments, its rate and
every generator. The key holds whatever shapes them: params, what was rendered, this stage's own code, the libraries and
the processor's instructions. A run that is finished keeps nothing: its folder is the output.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from stages.base.journal.store import journal_key
from stages.base.params import Params
from stages.checkpoint.state import Checkpoint, State

ROOM = "pretrain"


def run_key(params: Params, clips: Any) -> str:
    """Return the key of a run on clips, a dataclass of tensors: another one would not come to the same weights."""
    code = hashlib.blake2b(digest_size=16)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        code.update(file.read_bytes())
    names = ("torch", "transformers", "tokenizers", "numpy", "av", "opencv-contrib-python")
    libraries = {name: version(name) for name in names}
    return journal_key(
        params=params.model_dump(mode="json"),
        clips=_hash(clips),
        code=code.hexdigest(),
        libraries=libraries,
        processor=torch.backends.cpu.get_cpu_capability(),
    )


def _hash(clips: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for field in fields(clips) if clips is not None else ():
        value = getattr(clips, field.name)
        for name, part in value.items() if isinstance(value, dict) else ((field.name, value),):
            digest.update(f"{field.name} {name} ".encode())
            digest.update(part.contiguous().numpy().data if isinstance(part, torch.Tensor) else repr(part).encode())
    return digest.hexdigest()


class Keeper:
    """The last state of a run, and when to save the next one."""

    def __init__(self, key: str, every: float) -> None:
        """Find what was kept under a key; a state is saved every so many seconds, with 0 after each step."""
        self._checkpoint = Checkpoint(ROOM, key)
        self._every, self._saved = every, time.monotonic()
        self._found = self._checkpoint.load_state() or {}
        self._past = {phase: _small(found) for phase, found in self._found.items() if found["over"]}

    def steps(self, phase: str) -> int:
        """Return how many steps of a phase were done when it was kept."""
        return int(self._found[phase]["step"]) if phase in self._found else 0

    def recall(self, phase: str, model: Any, **parts: Any) -> State | None:
        """Put model, optimisers and torch's generator back as they were; return the rest, None where a phase begins.

        Of a phase that is over only the model is put back, and of one before another that has begun nothing.
        """
        found: State | None = self._found.get(phase)
        if found is None:
            return None
        if "model" in found:
            model.load_state_dict(found["model"])
            torch.set_rng_state(found["generator"])
        if not found["over"]:
            for name, part in parts.items():
                part.load_state_dict(found[name])
        return found

    def keep(self, phase: str, step: int, model: Any, rest: State, over: bool = False, **parts: Any) -> None:
        """Save what is kept after `step` steps of a phase, where it is time to or the phase is over.

        `recall` puts model and parts back, and returns the rest.
        """
        if not over and time.monotonic() - self._saved < self._every:
            return
        states = {name: part.state_dict() for name, part in {"model": model, **parts}.items()}
        now = {"step": step, "over": over, "generator": torch.get_rng_state(), **states, **rest}
        self._checkpoint.keep_old("state")
        self._checkpoint.save("state", {**self._past, phase: now})
        self._saved = time.monotonic()
        if over:
            self._past[phase] = _small(now)

    def finish(self) -> None:
        """Forget the run: its output is written."""
        self._checkpoint.drop("state", "state.old")
        if self._checkpoint.folder.is_dir():
            shutil.rmtree(self._checkpoint.folder)


def _small(state: State) -> State:
    return {name: value for name, value in state.items() if name != "model"}
