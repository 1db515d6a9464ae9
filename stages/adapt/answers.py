"""A question with the answer that a model shall learn, through its own chat template."""

from __future__ import annotations

import torch

from stages.base.errors import InputError
from stages.vlm.base import Answer, Request
from stages.vlm.engine import Engine

#: What torch's cross-entropy leaves out.
IGNORED = -100


class Conversations:
    """Questions with their answers, as inputs of a VLM."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._asked: dict[object, list[int]] = {}

    def inputs(self, request: Request, answer: str) -> dict[str, torch.Tensor]:
        """Return the inputs for a question and its answer, with `labels` (1, L): IGNORED but at the answer.

        The answer's tokens stand where the model would write them, and the token that ends it is learnt too; what the
        template writes behind that is not.

        Raises:
            InputError: the model cannot take it, or its template puts the answer elsewhere than the model writes.
        """
        tensors = self._encoded(request, answer)
        ids, asked = tensors["input_ids"][0].tolist(), self._question(request)
        start = len(asked)
        if ids[: start - 1] != asked[:-1]:  # the last may merge with the answer
            raise InputError(
                "the chat template does not continue the question with the answer",
                file=self.engine.params.name,
                do="give the model a chat template whose assistant turn begins as the generation prompt does",
            )
        end = next((place for place in range(start, len(ids)) if ids[place] in self.engine.ends), None)
        if end is None:
            end = len(ids)
            tensors = {name: _longer(value, len(ids)) for name, value in tensors.items()}
            tensors["input_ids"][0, end] = self.engine.ends[0]
        labels = torch.full_like(tensors["input_ids"], IGNORED)
        labels[0, start : end + 1] = tensors["input_ids"][0, start : end + 1]
        return {**tensors, "labels": labels}

    def _question(self, request: Request) -> list[int]:
        """Return the tokens of a question; they are the same for media of the same sizes."""
        media = request.media
        key = media and (media.kind, media.fps, tuple(frame.shape for frame in media.frames))
        if key not in self._asked:
            self._asked[key] = self._encoded(request, None)["input_ids"][0].tolist()
        return self._asked[key]

    def _encoded(self, request: Request, answer: str | None) -> dict[str, torch.Tensor]:
        encoded = self.engine.encode(request, answer)
        if isinstance(encoded, Answer):
            raise InputError(f"the model cannot take it: {encoded.detail}", row=request.clip_id, do="leave it out")
        return encoded.tensors


def _longer(value: torch.Tensor, length: int) -> torch.Tensor:
    """Return a tensor of a value a token (1, length, ...) with its last token again behind it; another one as it is."""
    of_tokens = value.ndim > 1 and value.shape[1] == length and not value.is_floating_point()
    return torch.cat([value, value[:, -1:]], 1) if of_tokens else value
