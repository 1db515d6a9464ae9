"""A request as the messages of a chat completion: images as data URLs in the user's turn."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image as PilImage

from stages.base.errors import InputError
from stages.vlm.base import Image, Media, Request


def messages(request: Request, form: str, side: int | None, detail: str | None) -> list[dict[str, Any]]:
    """Return the system's turn, if any, the examples', and the user's: images in order, the prompt behind or before.

    Raises:
        InputError: the request shows a video.
    """
    turns: list[dict[str, Any]] = []
    if request.system is not None:
        turns.append({"role": "system", "content": request.system})
    how = (form, side, detail, request.text_first)
    for example in request.examples:
        turns.append({"role": "user", "content": _content(example.prompt, example.media, *how)})
        turns.append({"role": "assistant", "content": example.answer})
    return [*turns, {"role": "user", "content": _content(request.prompt, request.media, *how)}]


def _content(
    prompt: str, media: Media | None, form: str, side: int | None, detail: str | None, text_first: bool
) -> Any:
    if media is None:
        return prompt
    if media.kind != "images":
        raise InputError("chat completions know no video", do="set media: images for the model")
    parts = [_image(url, detail) for url in data_urls(media.frames, form, side)]
    said = [{"type": "text", "text": prompt}]
    return [*said, *parts] if text_first else [*parts, *said]


def _image(url: str, detail: str | None) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url} | ({"detail": detail} if detail else {})}


def data_urls(frames: Sequence[Image], form: str, side: int | None) -> list[str]:
    """Return frames, each uint8 (H, W, 3), as data URLs; longer sides than `side` pixels are shrunk to it."""
    urls = []
    for frame in frames:
        image = PilImage.fromarray(frame)
        if side is not None and max(image.size) > side:
            scale = side / max(image.size)
            size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            image = image.resize(size, PilImage.Resampling.LANCZOS)
        stream = io.BytesIO()
        image.save(stream, form.upper(), **({"quality": 90} if form == "jpeg" else {}))
        urls.append(f"data:image/{form};base64,{base64.b64encode(stream.getvalue()).decode()}")
    return urls
