"""What training draws from: known features, or clips as a VLM is shown them, with the answers that it shall give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any

import numpy as np
import torch

from stages.adapt.answers import Conversations
from stages.adapt.frozen import Ahead, Frozen, shape_of
from stages.base.errors import InputError
from stages.learn.augment import draw, seen
from stages.learn.params import Augmentation, Pixels
from stages.vlm.base import Answer, Media, Request
from stages.vlm.engine import Engine

Tensors = dict[str, torch.Tensor]

#: A processor's tokenizer and a folder's open shards are for one thread at a time.
_PROCESSOR = Lock()


class Features:
    """N known features."""

    def __init__(self, vectors: torch.Tensor, targets: torch.Tensor) -> None:
        """Bind vectors (N, width) to their targets."""
        self.vectors, self.targets = vectors, targets

    def __len__(self) -> int:
        return len(self.vectors)

    def inputs(self, indices: Sequence[int], epoch: int | None, device: torch.device) -> Tensors:
        """Return `features` (B, width)."""
        return {"features": self.vectors[list(indices)].to(device)}


class Shown:
    """N clips as a VLM is shown them; samples of one batch that differ in shape stand in groups, and none is padded."""

    def __init__(
        self,
        engine: Engine,
        prompt: str,
        clip_ids: Sequence[str],
        media: Callable[[str], Media | None],
        targets: torch.Tensor,
        answers: Sequence[str] | None = None,
        change: Augmentation | None = None,
        seed: int = 0,
        frozen: Frozen | None = None,
        text_first: bool = False,
    ) -> None:
        """Bind clips to what is asked about them.

        Args:
            engine: the VLM with its processor.
            prompt: the user's turn.
            clip_ids: N clips.
            media: what is shown of a clip.
            targets: N targets.
            answers: N answers to learn; None: the tokens end where the model would answer.
            change: augmentation in training; None: none.
            seed: of the augmentation.
            frozen: the part of the VLM that is done once a clip; None: all of it is done each time. Not with `change`.
            text_first: whether the prompt stands before what is shown.
        """
        self.engine, self.prompt, self.clip_ids, self.media = engine, prompt, clip_ids, media
        self.targets, self.answers, self.change, self.seed = targets, answers, change, seed
        self._conversations, self._frozen, self._text_first = Conversations(engine), frozen, text_first
        self._ahead: dict[int, Ahead] = {}
        self._coming: dict[tuple[int, int | None], Future[Tensors]] = {}
        self._worker = ThreadPoolExecutor(1)

    def __len__(self) -> int:
        return len(self.clip_ids)

    def inputs(self, indices: Sequence[int], epoch: int | None, device: torch.device) -> dict[str, Any]:
        """Return `shown`, the VLM's inputs in groups of one shape, and `order` (B,): see `heads.Headed`.

        Raises:
            InputError: a clip cannot be shown, or the model cannot take it.
        """
        groups: dict[Any, list[tuple[int, Any]]] = {}
        for place, index in enumerate(indices):
            row: Any = self._row_ahead(index) if self._frozen else self._tensors(index, epoch)
            shape = shape_of(row) if self._frozen else tuple((name, value.shape) for name, value in row.items())
            groups.setdefault(shape, []).append((place, row))
        shown = [self._joined([row for _, row in rows], device) for rows in groups.values()]
        places = torch.tensor([place for rows in groups.values() for place, _ in rows])
        return {"shown": shown, "order": places.argsort().to(device)}

    def _joined(self, rows: Sequence[Any], device: torch.device) -> Tensors | Ahead:
        if self._frozen:
            return self._frozen.joined(rows, device)
        return {name: torch.cat([row[name] for row in rows]).to(device) for name in rows[0]}

    def _row_ahead(self, index: int) -> Ahead:
        assert self._frozen is not None
        known = self._ahead.get(index)
        if known is None:
            known = self._frozen.ahead(self._tensors(index, None))
            self._frozen.left -= known.bytes
            if self._frozen.left >= 0:
                self._ahead[index] = known
        return known

    def ahead(self, indices: Sequence[int], epoch: int) -> None:
        """Begin to make what will be asked for next: a processor takes as long for 16 frames as a GPU for a clip."""
        for index in indices if self._frozen is None else ():
            if (index, epoch) not in self._coming:
                self._coming[index, epoch] = self._worker.submit(self._made, index, epoch)

    def _tensors(self, index: int, epoch: int | None) -> Tensors:
        coming = self._coming.pop((index, epoch), None)
        return self._made(index, epoch) if coming is None else coming.result()

    def _made(self, index: int, epoch: int | None) -> Tensors:
        with _PROCESSOR:
            return self._encoded(index, epoch)

    def _encoded(self, index: int, epoch: int | None) -> Tensors:
        clip_id = self.clip_ids[index]
        media = self.media(clip_id)
        if media is not None and epoch is not None and self.change is not None:
            rng = np.random.default_rng([self.seed, epoch, index])
            media = changed(media, self.change, rng)
        request = Request(self.prompt, media, text_first=self._text_first, clip_id=clip_id)
        if self.answers is not None:
            return self._conversations.inputs(request, self.answers[index])
        encoded = self.engine.encode(request)
        if isinstance(encoded, Answer):
            raise InputError(f"the model cannot take it: {encoded.detail}", row=clip_id, do="leave the clip out")
        return encoded.tensors


def changed(media: Media, change: Augmentation, rng: np.random.Generator) -> Media:
    """Return media as one random look sees them, the same for every frame, at their own size."""
    frames = np.stack(media.frames)  # (T, H, W, 3)
    height, width = frames.shape[1:3]
    size = (width, height)
    look = draw(Pixels(frames=len(frames), size=size, kept=len(frames), kept_size=size), change, rng)
    images = seen(torch.from_numpy(frames[look.places])[None], [look], size)[0]  # (T, 3, H, W), 0 to 1
    pixels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return Media(media.kind, list(pixels), media.fps)
