"""What a frozen ViTPose sees of people: the tokens of its backbone, for each frame and box (Xu et al. 2022)."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from stages.base.errors import InputError
from stages.encoders.loading import load
from stages.encoders.params import EncoderParams

#: Of a "plus" model, whose experts belong to data sets: COCO's.
COCO = 0


class PoseEncoder:
    """A ViTPose; 192 tokens of 768 a person and frame for vitpose-base."""

    def __init__(self, params: EncoderParams, device: str, batch: int = 64) -> None:
        """Load it.

        Raises:
            InputError: there is no such model, or it is none of people's poses.
        """
        import transformers

        if (kind := transformers.AutoConfig.from_pretrained(params.name).model_type) != "vitpose" and (
            params.revision is None
        ):
            raise InputError(f"is a {kind}, expected a vitpose", file=params.name, do="name a ViTPose")
        found, self.processor = load(
            params, device, transformers.VitPoseForPoseEstimation, transformers.VitPoseImageProcessor
        )
        self.model: Any = found.backbone
        self.device, self.batch, self.dtype = device, batch, getattr(torch, params.dtype)

    @property
    def width(self) -> int:
        """Width of a token."""
        return int(self.model.config.hidden_size)

    @property
    def tokens(self) -> int:
        """Tokens of a person in a frame."""
        return int(self.model.embeddings.patch_embeddings.num_patches)

    @torch.inference_mode()
    def __call__(self, frames: NDArray[np.uint8], boxes: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return tokens (T, K, width) of frames (T, H, W, 3) with a box each, (T, 4): left, top, right, bottom.

        The processor grows a box by a quarter and brings it to the model's size. No box may be empty.
        """
        if not len(frames):
            return np.empty((0, self.tokens, self.width), np.float32)
        corners = [[[left, top, right - left, bottom - top]] for left, top, right, bottom in boxes.tolist()]
        found = []
        for first in range(0, len(frames), self.batch):
            part = slice(first, first + self.batch)
            pixels = self.processor(list(frames[part]), boxes=corners[part], return_tensors="pt")["pixel_values"]
            more = {"dataset_index": torch.full((len(pixels),), COCO)} if self.model.config.num_experts > 1 else {}
            out = self.model(
                pixels.to(self.device, self.dtype), **{name: value.to(self.device) for name, value in more.items()}
            )
            found.append(out.feature_maps[-1].float().cpu().numpy())
        return np.concatenate(found)
