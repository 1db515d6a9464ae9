"""A request as the messages of a chat completion: images are in the user's turn, as data URLs or as they are."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

from PIL import Image as PilImage

from stages.base.errors import InputError
from stages.vlm.base import Image, Media, Request


def messages(request: Request, show: Callable[[Image], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the system's turn, if any, the examples', and the user's: images in order, the prompt behind or before.

    Args:
        request: what is asked.
        show: makes the part of a turn that is an image, such as `sent` or `held`.

    Raises:
        InputError: the request shows a video.
    """
    turns: list[dict[str, Any]] = []
    if request.system is not None:
        turns.append({"role": "system", "content": request.system})
    for example in request.examples:
        turns.append({"role": "user", "content": _content(example.prompt, example.media, show, request.text_first)})
        turns.append({"role": "assistant", "content": example.answer})
    return [*turns, {"role": "user", "content": _content(request.prompt, request.media, show, request.text_first)}]


def _content(prompt: str, media: Media | None, show: Callable[[Image], dict[str, Any]], text_first: bool) -> Any:
    if media is None:
        return prompt
    if media.kind != "images":
        raise InputError("chat completions know no video", do="set media: images for the model")
    parts = [show(frame) for frame in media.frames]
    said = [{"type": "text", "text": prompt}]
    return [*said, *parts] if text_first else [*parts, *said]


def held(frame: Image) -> dict[str, Any]:
    """Return a frame, uint8 (H, W, 3), as the part of a turn that vLLM reads in this process."""
    return {"type": "image_pil", "image_pil": PilImage.fromarray(frame)}


def sent(frame: Image, form: str, side: int | None, detail: str | None) -> dict[str, Any]:
    """Return a frame, uint8 (H, W, 3), as the part of a turn that a server reads: a data URL.

    Args:
        frame: the image; where its longer side has more than `side` pixels, it is shrunk to them.
        form: png or jpeg.
        side: see `frame`; null leaves it as it is.
        detail: OpenAI's image detail; null leaves it out.
    """
    image = PilImage.fromarray(frame)
    if side is not None and max(image.size) > side:
        scale = side / max(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, PilImage.Resampling.LANCZOS)
    stream = io.BytesIO()
    image.save(stream, form.upper(), **({"quality": 90} if form == "jpeg" else {}))
    url = f"data:image/{form};base64,{base64.b64encode(stream.getvalue()).decode()}"
    return {"type": "image_url", "image_url": {"url": url} | ({"detail": detail} if detail else {})}
