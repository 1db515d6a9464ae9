"""A request as a model's tensors: its own chat template, its own processor."""

from __future__ import annotations

import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jinja2
import numpy as np
import torch
from PIL import Image as PilImage

from stages.base.errors import InputError
from stages.vlm.base import Media, Request

#: A question is rendered, its images resized and its text cut into tokens in this time, or not at all.
SECONDS = 60
#: What Jinja calls a template that is in no file.
_TEMPLATES = ("<template>", "<unknown>")


def encode(
    processor: Any, request: Request, arguments: dict[str, Any], answer: str | None = None
) -> dict[str, torch.Tensor]:
    """Return a request as the tensors that the model's `forward` takes, each with its batch of one.

    `input_ids` is (1, L), media are expanded to the model's placeholder tokens; the other names and shapes are the
    model's own. `arguments` go to the processor. With an `answer` the assistant's turn stands behind the user's, as
    the template closes it; without one the tokens end where the model goes on.

    Raises:
        InputError: the request shows what the model has no processor for; the chat template is no Jinja, or does not
            come to an end.
        ValueError: the processor refuses the request (such as a prompt that holds an image placeholder), or the chat
            template does.
    """
    sees = hasattr(processor, "tokenizer")
    for media in request.all_media:
        _check_sees(processor, media)
    conversation = _conversation(processor, request, sees)
    if answer is not None:
        conversation.append(_turn("assistant", answer, None, sees))
    given = _video_arguments(request.all_media) | arguments
    try:
        with _in_time():
            encoded = processor.apply_chat_template(
                conversation,
                add_generation_prompt=answer is None,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
                **({"processor_kwargs": given} if given else {}),
            )
    except jinja2.TemplateSyntaxError as error:
        raise InputError(f"the model's chat template is none: {error}", do="give the model another one") from None
    except Exception as error:
        if isinstance(error, InputError) or not _in_template(error):
            raise
        raise ValueError(f"the model's chat template refuses it: {error or type(error).__name__}") from error
    return {name: value for name, value in encoded.items() if isinstance(value, torch.Tensor)}


def _in_template(error: Exception) -> bool:
    """Tell whether an error comes from what a model's folder says, and is none of our own."""
    frames = traceback.extract_tb(error.__traceback__)
    return isinstance(error, jinja2.TemplateError) or any(frame.filename in _TEMPLATES for frame in frames)


@contextmanager
def _in_time() -> Iterator[None]:
    """End a template that does not: loops within loops are all that Jinja's sandbox allows, and enough.

    By a signal, which the main thread alone can be sent; elsewhere there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def late(*_: object) -> None:
        raise InputError(
            f"the model's chat template has not come to an end after {SECONDS} s",
            do="give the model another one: this one loops",
        )

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _check_sees(processor: Any, media: Media) -> None:
    part = "image_processor" if media.kind == "images" else "video_processor"
    if getattr(processor, part, None) is None:
        other = "set media: images, or take a video model" if media.kind == "video" else "take a model that sees images"
        raise InputError(f"the model is shown {media.kind} and has no {part.replace('_', ' ')}", do=other)


def _conversation(processor: Any, request: Request, sees: bool) -> list[dict[str, Any]]:
    """Return the turns; the system's text opens the user's where the model's template has no place for it."""

    def asked(text: str, media: Media | None) -> dict[str, Any]:
        return _turn("user", text, media, sees, request.text_first)

    own = [
        turn
        for example in request.examples
        for turn in (asked(example.prompt, example.media), _turn("assistant", example.answer, None, sees))
    ]
    question = asked(request.prompt, request.media)
    if request.system is None:
        return [*own, question]
    turns = [_turn("system", request.system, None, sees), *own, question]
    try:
        # Some templates raise at a system turn (Llama 3.2 Vision beside an image), some leave it out.
        with _in_time():
            rendered = processor.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    except jinja2.TemplateError:
        rendered = ""
    if request.system.strip() in rendered:
        return turns
    if not own:
        return [asked(f"{request.system}\n\n{request.prompt}", request.media)]
    first = request.examples[0]
    return [asked(f"{request.system}\n\n{first.prompt}", first.media), *own[1:], question]


def _turn(role: str, text: str, media: Media | None, sees: bool, text_first: bool = False) -> dict[str, Any]:
    if not sees:
        return {"role": role, "content": text}
    shown: list[dict[str, Any]] = []
    if media is not None and media.kind == "images":
        shown = [{"type": "image", "image": PilImage.fromarray(frame)} for frame in media.frames]
    elif media is not None:
        shown = [{"type": "video", "video": np.stack(list(media.frames))}]  # (T, H, W, 3)
    said = [{"type": "text", "text": text}]
    return {"role": role, "content": [*said, *shown] if text_first else [*shown, *said]}


def _video_arguments(shown: list[Media]) -> dict[str, Any]:
    videos = [media for media in shown if media.kind == "video"]
    # The frames are those to be shown: the processor must not draw some of them again.
    return {"do_sample_frames": False, "video_metadata": [_metadata(media) for media in videos]} if videos else {}


def _metadata(media: Media) -> dict[str, Any]:
    count = len(media.frames)
    height, width = media.frames[0].shape[:2]
    return {
        "total_num_frames": count,
        "fps": media.fps,
        "duration": count / media.fps if media.fps else None,
        "frames_indices": list(range(count)),
        "height": height,
        "width": width,
    }
