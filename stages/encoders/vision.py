"""What a frozen encoder of images sees of whole frames: its last hidden states, a ViT's or a VLM's own tower's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from stages.encoders.loading import load
from stages.encoders.params import EncoderParams

Look = Callable[[torch.Tensor], Any]


class VisionEncoder:
    """An encoder of images; 197 tokens of 768 a frame for vit-base-patch16-224."""

    def __init__(self, look: Look, processor: Any, device: str, dtype: torch.dtype, batch: int = 64) -> None:
        """Bind what maps pixels (N, 3, H, W) to hidden states, (N, K, width) or a map (N, width, h, w)."""
        self._look, self.processor = look, processor
        self.device, self.dtype, self.batch = device, dtype, batch

    @classmethod
    def of(cls, params: EncoderParams, device: str) -> VisionEncoder:
        """Load a model by name.

        Raises:
            InputError: there is no such model.
        """
        import transformers

        model, processor = load(params, device, transformers.AutoModel, transformers.AutoImageProcessor)
        seeing = getattr(model, "vision_model", model)  # CLIP and its kin have a text half too
        return cls(lambda pixels: seeing(pixels).last_hidden_state, processor, device, getattr(torch, params.dtype))

    @classmethod
    def within(cls, model: Any, processor: Any, device: str) -> VisionEncoder:
        """Take the vision tower of a loaded VLM, before its projector."""

        def look(pixels: torch.Tensor) -> Any:
            return model.get_image_features(pixels, return_dict=True).last_hidden_state

        return cls(look, processor.image_processor, device, model.dtype)

    @torch.inference_mode()
    def __call__(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return tokens (T, K, width) of frames (T, H, W, 3), which the processor brings to the model's size."""
        found = []
        for first in range(0, len(frames), self.batch):
            images = [Image.fromarray(frame) for frame in frames[first : first + self.batch]]
            pixels = self.processor(images, return_tensors="pt")["pixel_values"]
            states = self._look(torch.as_tensor(pixels).to(self.device, self.dtype))
            tokens = states.flatten(2).transpose(1, 2) if states.ndim == 4 else states
            found.append(tokens.float().cpu().numpy())
        return np.concatenate(found)
